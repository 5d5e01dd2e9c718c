/**
 * Whatever other programs remove while a container starts, runs, stops or goes: one line at most, and nothing is left.
 * tests/soak/removals_test.ts goes on for longer.
 */
import { requires } from "../requires.ts";
import { heldAtRest, REMOVALS, removeDuring } from "./removals.ts";
import { startSetup } from "./setup.ts";

Deno.test({
  name: "something is removed at a random moment",
  ...requires("root", "runc"),
  fn: async (test) => {
    await using setup = await startSetup();
    const before = await heldAtRest(setup);
    for (const what of Object.keys(REMOVALS)) {
      await test.step(what, () => removeDuring(setup, { what, random: Math.random, before }));
    }
  },
});
