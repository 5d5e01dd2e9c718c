/** Signals right after a start, 200 times. Takes minutes. */
import { strict as assert } from "node:assert";
import { startSetup } from "../engine/setup.ts";
import { requires } from "../requires.ts";
import { afterStarts, stop, terminate } from "../supervision/start_signals.ts";
import { print } from "./figures.ts";

const COUNT = 200;

Deno.test(
  `${COUNT} signals right after a start, sequentially and four at once: none is lost`,
  requires("root", "runc"),
  async () => {
    await using setup = await startSetup();
    for (const [name, step] of Object.entries({ kill: terminate, stop })) {
      for (const atOnce of [1, 4]) {
        const outcomes = await afterStarts(setup, step, { count: COUNT, atOnce });
        print(`${name} right after a start, ${atOnce} at once`, JSON.stringify(outcomes));
        assert.deepEqual(outcomes, { 143: COUNT });
      }
    }
  },
);
