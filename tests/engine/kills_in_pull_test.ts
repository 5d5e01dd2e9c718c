/** A few kills in pulls; `./dev soak kills` has many. */
import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { killsInPulls } from "./kills_in_pull.ts";

const KILLS = 4;
const LAYER_BYTES = [2_000_000, 600_000, 1_200_000];

for (const driver of ["erofs", "overlay2"] as const) {
  Deno.test(
    `${driver}: ${KILLS} kills in pulls never break an image, and finished layers are not fetched again`,
    requires("root", "runc"),
    async () => {
      const bytesPerSecond = LAYER_BYTES[0]! * 2;
      const { incomplete } = await killsInPulls({ driver, kills: KILLS, layerBytes: LAYER_BYTES, bytesPerSecond });
      assert.ok(incomplete > 0, "all kills came too late");
    },
  );
}
