/** What other programs may remove under an engine, for ten minutes. */
import { heldAtRest, REMOVALS, removeDuring } from "../engine/removals.ts";
import { startSetup } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

const LENGTH_MS = 600_000;

Deno.test("something is removed at a random moment, again and again", requires("root", "runc"), async () => {
  await using setup = await startSetup();
  const before = await heldAtRest(setup);
  const names = Object.keys(REMOVALS);
  let rounds = 0;
  for (const end = performance.now() + LENGTH_MS; performance.now() < end; rounds++) {
    await removeDuring(setup, { what: names[rounds % names.length]!, random: Math.random, before });
  }
  print("removals", `${rounds} rounds`);
});
