/** A few seconds of symlink races; tests/soak runs minutes. */
import { strict as assert } from "node:assert";
import { scenario } from "../cli/setup.ts";
import { raceSwaps } from "./symlink_race.ts";

const SECONDS = 5;

scenario("symlink races", {
  "swapping symlinks during copies gives no access to the host": async (fixture) => {
    const { rounds, outcomes } = await raceSwaps(fixture, SECONDS);
    assert.ok(rounds > 100, `only ${rounds} rounds`);
    for (const what of ["GET: done", "GET: refused", "PUT: done", "PUT: refused", "copy out: done"]) {
      assert.ok((outcomes[what] ?? 0) > 0, `${what} never happened: ${JSON.stringify(outcomes)}`);
    }
  },
});
