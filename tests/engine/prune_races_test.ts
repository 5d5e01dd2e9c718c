/** Prune takes nothing that somebody is about to use, and nobody sees a 500. tests/soak/prune_test.ts goes on for longer. */
import { startPullSetup } from "../pull/setup.ts";
import { requires } from "../requires.ts";
import { pruneRest, raceWithRemovals, raceWithRequests, raceWithRuns } from "./prune_races.ts";

/** How long each race goes on, in ms. */
const RACE_MS = 5000;

Deno.test({
  name: "prune leaves what others are about to use",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    await test.step("runs by tsd", async () => void await raceWithRuns(setup, RACE_MS));
    await test.step("pulls, creations, starts and tags", async () => void await raceWithRequests(setup, RACE_MS));
    await test.step("removals by name", async () => void await raceWithRemovals(setup, RACE_MS));
    await test.step("and takes all that is left", () => pruneRest(setup));
  },
});
