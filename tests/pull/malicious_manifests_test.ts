/** Malicious manifests and blobs (20, 31 and 33 to 36 of the project's list) are refused before anything is visible. */
import { strict as assert } from "node:assert";
import { Deadline } from "../harness/mod.ts";
import { HOSTILE_IMAGES } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { checkAlive, startMaliciousSetup, tryHostile } from "./malicious_setup.ts";

Deno.test({
  name: "malicious manifests and blobs",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using setup = await startMaliciousSetup();
    for (const hostile of HOSTILE_IMAGES) {
      if (hostile.kind !== "manifest") continue;
      await test.step(`${hostile.name}: ${hostile.what}`, async () => {
        const soon = new Deadline(5000);
        await tryHostile(setup, hostile);
        assert.ok(!soon.isOver, "it was refused at once");
      });
    }
    await test.step("an honest image works afterwards", () => checkAlive(setup));
  },
});
