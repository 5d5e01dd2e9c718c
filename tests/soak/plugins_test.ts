/** A thousand containers with five plugins. Takes minutes. */
import { startSetup } from "../engine/setup.ts";
import { live, livesWithoutLeak } from "../plugins/lifecycle.ts";
import { requires } from "../requires.ts";
import { held, print } from "./figures.ts";
import { plateaus, TELLS_MEMORY } from "./plateaus.ts";

const LIVES = 1000;
/** By then V8 has optimized frequent code; over 4,000 containers the growth of each 500 falls from 1.2 MB to 40 kB. */
const WARM_UP = 600;

Deno.test(`${LIVES} containers with five plugins`, requires("root", "runc"), async () => {
  await using setup = await startSetup({ args: TELLS_MEMORY });
  const lives = () => plateaus(setup.engine, LIVES, (from, to) => live(setup, to - from));
  const [before, after] = await livesWithoutLeak(setup, WARM_UP, lives);
  print("before", held(before));
  print("after", held(after));
});
