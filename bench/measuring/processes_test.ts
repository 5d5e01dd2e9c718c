import { strict as assert } from "node:assert";
import { peakBytes, peakMb, processes, proportionalBytes, proportionalMb } from "./processes.ts";

Deno.test("processes lists this process with its arguments and environment", async () => {
  const self = (await processes()).find(({ pid }) => pid === Deno.pid);
  assert.match(self?.command ?? "", /deno/);
  assert.match(self?.environment ?? "", /\bPATH=/);
  const megabytes = await proportionalMb([Deno.pid]);
  assert(megabytes > 5 && megabytes < 2000, `${megabytes} MB`);
});

Deno.test("an ended process takes no memory", async () => {
  assert.equal(await proportionalMb([2 ** 22 + 1]), 0);
});

Deno.test("proportionalBytes reads the total, not one of its parts", () => {
  assert.equal(proportionalBytes("Rss:   90 kB\nPss:      12 kB\nPss_Anon:   7 kB\n"), 12 * 1024);
});

Deno.test("peakBytes reads the peak, not the current resident size", async () => {
  assert.equal(peakBytes("VmPeak:\t  900 kB\nVmHWM:\t  120 kB\nVmRSS:\t   60 kB\n"), 120 * 1024);
  const [self, ended] = [await peakMb([Deno.pid]), await peakMb([2 ** 22 + 1])];
  assert(self > 5 && ended === 0, `${self} MB, ${ended} MB`);
});
