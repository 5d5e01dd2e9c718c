/** Malicious layers (1 to 23 of the project's list) are refused as a whole, or unpacked without effect on the host. */
import { storageDir, storageNeeds } from "../harness/mod.ts";
import { HOSTILE_IMAGES } from "../images/mod.ts";
import { STORAGE_DRIVERS } from "../../src/store/drivers.ts";
import { requires } from "../requires.ts";
import { checkAlive, startMaliciousSetup, tryHostile } from "./malicious_setup.ts";

for (const driver of STORAGE_DRIVERS) {
  Deno.test({
    name: `${driver}: layers that mean harm`,
    ...requires("root", "runc", "overlay", ...storageNeeds(driver)),
    fn: async (test) => {
      await using place = await storageDir(driver);
      await using setup = await startMaliciousSetup(place.options);
      for (const hostile of HOSTILE_IMAGES) {
        if (hostile.kind !== "layers" || hostile.name.startsWith("bomb-")) continue; // Bombs: bombs_test.ts
        await test.step(`${hostile.name}: ${hostile.what}`, () => tryHostile(setup, hostile));
      }
      await test.step("an honest image works afterwards", () => checkAlive(setup));
    },
  });
}
