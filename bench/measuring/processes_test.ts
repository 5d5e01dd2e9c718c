import { strict as assert } from "node:assert";
import { processes, proportionalBytes, proportionalMb } from "./processes.ts";

Deno.test("this process is among the processes, with its words, and takes memory", async () => {
  const own = (await processes()).find(({ pid }) => pid === Deno.pid);
  assert.match(own?.command ?? "", /deno/);
  assert.match(own?.environment ?? "", /\bPATH=/);
  const megabytes = await proportionalMb([Deno.pid]);
  assert(megabytes > 5 && megabytes < 2000, `${megabytes} MB`);
});

Deno.test("a process that has gone takes nothing", async () => {
  assert.equal(await proportionalMb([2 ** 22 + 1]), 0);
});

Deno.test("the proportional size is not one of its parts", () => {
  assert.equal(proportionalBytes("Rss:   90 kB\nPss:      12 kB\nPss_Anon:   7 kB\n"), 12 * 1024);
});
