/**
 * The engine stays responsive while it unpacks many files. tests/soak/ has the limit of five million, which are
 * refused.
 */
import { requires } from "../requires.ts";
import { pullManyEntries } from "../pull/many_entries.ts";
import { startPullSetup } from "../pull/setup.ts";

Deno.test({
  name: "300,000 empty files: the engine answers within 100 ms while it unpacks them",
  ...requires("root", "runc", "overlay"),
  fn: async () => {
    await using setup = await startPullSetup();
    await pullManyEntries(setup, 300_000, "taken");
  },
});
