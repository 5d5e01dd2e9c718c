import { strict as assert } from "node:assert";
import type { Ruleset } from "../../network/ruleset.ts";
import { Firewall } from "./firewall.ts";

/** A firewall whose loads end when they are told to. */
function bench() {
  const loads: string[] = [];
  const waiting: { resolve: () => void; reject: (why: Error) => void }[] = [];
  let present: Ruleset = { table: "t", bridges: [], ports: [] };
  const firewall = new Firewall((_attempt, _words, input) => {
    loads.push(input);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  }, () => present);
  return {
    firewall,
    loads,
    set: (name: string) => present = { table: name, bridges: [], ports: [] },
    /** Ends the load that runs, once it has begun. */
    async end(why?: Error) {
      while (waiting.length === 0) await Promise.resolve();
      const { resolve, reject } = waiting.shift()!;
      if (why === undefined) resolve();
      else reject(why);
    },
  };
}

Deno.test("what changes while rules are loaded is loaded once, afterwards", async () => {
  const { firewall, loads, set, end } = bench();
  const first = firewall.update();
  while (loads.length === 0) await Promise.resolve();
  set("a");
  const second = firewall.update();
  set("b");
  const third = firewall.update();
  await end();
  await first;
  await end();
  await Promise.all([second, third]);
  assert.deepEqual(loads.map((text) => /table inet (\w+)/.exec(text)?.[1]), ["t", "b"]);
});

Deno.test("the same rules are loaded once, unless they may have been removed", async () => {
  const { firewall, loads, end } = bench();
  const first = firewall.update();
  await end();
  await first;
  await firewall.update();
  assert.equal(loads.length, 1);
  const again = firewall.reload();
  await end();
  await again;
  assert.equal(loads.length, 2);
});

Deno.test("a load that failed is tried again with the next change", async () => {
  const { firewall, loads, end } = bench();
  const failed = assert.rejects(firewall.update(), /no nft/);
  await end(new Error("no nft"));
  await failed;
  const next = firewall.update();
  await end();
  await next;
  assert.equal(loads.length, 2);
});
