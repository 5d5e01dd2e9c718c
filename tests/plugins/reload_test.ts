/** Plugins that are replaced while containers come and go. The long one is in tests/soak. */
import { strict as assert } from "node:assert";
import { scenario } from "../cli/world.ts";
import { reloadUnderLoad } from "./reloading.ts";

scenario("plugins: reload under load", {
  "five plugins, 16 containers": async (world) => {
    const changes = await reloadUnderLoad(world, 16);
    assert.ok(changes >= 5, `${changes} changes`);
  },
});
