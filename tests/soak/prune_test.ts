/** The races of prune, for five minutes. */
import { pruneRest, raceWithRemovals, raceWithRequests, raceWithRuns } from "../engine/prune_races.ts";
import { startPullSetup } from "../pull/setup.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

/** The duration of each race, in ms. */
const RACE_MS = 100_000;

Deno.test("prune against pulls, runs and removals", requires("root", "runc", "overlay"), async () => {
  await using setup = await startPullSetup();
  for (const race of [raceWithRuns, raceWithRequests, raceWithRemovals]) {
    const counts = await race(setup, RACE_MS);
    print(race.name, ...Object.entries(counts).map(([name, count]) => `${name} ${count}×`));
  }
  await pruneRest(setup);
});
