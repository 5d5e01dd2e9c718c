import { startSetup } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { live, livesWithoutLeak } from "./lifecycle.ts";

Deno.test("200 containers with five plugins leave nothing", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  await livesWithoutLeak(setup, 10, () => live(setup, 200));
});
