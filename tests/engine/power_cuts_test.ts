/** A few power cuts in and after a pull; `./dev soak power` has more. */
import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { powerCuts } from "./power_cuts.ts";

Deno.test(
  "erofs: after a power cut at any time, an image is absent or complete",
  requires("root", "runc"),
  async () => {
    const figures = await powerCuts({
      ...{ driver: "erofs", everyMs: 200, afterwards: 2 },
      ...{ layerBytes: [2_000_000, 600_000, 1_200_000], bytesPerSecond: 2_000_000 },
    });
    assert.ok(figures.absent > 0 && figures.whole > 1, JSON.stringify(figures));
  },
);
