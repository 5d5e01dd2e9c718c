import { startRig } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { live, livesWithoutLeak } from "./lifecycle.ts";

Deno.test("200 containers with five plugins leave nothing", requires("root", "runc"), async () => {
  await using rig = await startRig();
  await livesWithoutLeak(rig, 10, () => live(rig, 200));
});
