/** The full five million, which are refused, are in tests/soak/. */
import { requires } from "../requires.ts";
import { pullManyEntries } from "../pull/many_entries.ts";
import { startPullSetup } from "../pull/setup.ts";

Deno.test({
  name: "300,000 empty files: the engine answers within 100 ms meanwhile",
  ...requires("root", "runc", "overlay"),
  fn: async () => {
    await using setup = await startPullSetup();
    await pullManyEntries(setup, 300_000, "taken");
  },
});
