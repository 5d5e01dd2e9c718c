/**
 * Prune removes nothing that a concurrent request is about to use, and no client gets a 500. tests/soak/prune_test.ts
 * runs longer.
 */
import { startPullSetup } from "../pull/setup.ts";
import { requires } from "../requires.ts";
import { pruneRest, raceWithRemovals, raceWithRequests, raceWithRuns } from "./prune_races.ts";

/** The duration of each race, in ms. */
const RACE_MS = 5000;

Deno.test({
  name: "prune keeps what concurrent requests are about to use",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using setup = await startPullSetup();
    await test.step("concurrent runs by tsd", async () => void await raceWithRuns(setup, RACE_MS));
    await test.step("concurrent pulls, creations, starts and tags", async () =>
      void await raceWithRequests(setup, RACE_MS));
    await test.step("concurrent removals by name", async () => void await raceWithRemovals(setup, RACE_MS));
    await test.step("a final prune removes everything", () => pruneRest(setup));
  },
});
