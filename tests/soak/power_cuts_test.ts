/** Power cuts every 200 ms in and after pulls. Takes minutes. */
import { strict as assert } from "node:assert";
import { STORAGE_DRIVERS } from "../../src/store/drivers.ts";
import { storageNeeds } from "../harness/mod.ts";
import { powerCuts } from "../engine/power_cuts.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

for (const driver of STORAGE_DRIVERS) {
  const needs = requires("root", "runc", ...storageNeeds(driver));
  Deno.test(`${driver}: power cuts throughout a pull and after it`, needs, async () => {
    const figures = await powerCuts({
      ...{ driver, everyMs: 200, afterwards: 20, bytesPerSecond: 12_000_000 },
      // One of them is large enough for a partial blob.
      layerBytes: [68_000_000, 10_000_000, 3_000_000, 300_000, 20_000_000],
    });
    print(`${driver}: power cuts`, JSON.stringify(figures));
    assert.ok(figures.absent > 5 && figures.whole > 15);
  });
}
