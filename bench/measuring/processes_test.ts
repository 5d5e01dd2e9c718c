import { strict as assert } from "node:assert";
import { peakBytes, peakMb, processes, proportionalBytes, proportionalMb } from "./processes.ts";

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

Deno.test("the peak is what was resident at most, not what is", async () => {
  assert.equal(peakBytes("VmPeak:\t  900 kB\nVmHWM:\t  120 kB\nVmRSS:\t   60 kB\n"), 120 * 1024);
  const [own, removed] = [await peakMb([Deno.pid]), await peakMb([2 ** 22 + 1])];
  assert(own > 5 && removed === 0, `${own} MB, ${removed} MB`);
});
