import { strict as assert } from "node:assert";
import { LineSampler, MAX_SAMPLE_BYTES } from "./line_sampler.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function sampler(perSecond = 3) {
  const clock = { nowMs: 0 };
  const sampled = new LineSampler(() => clock.nowMs);
  const take = (text: string, stream: "stdout" | "stderr" = "stdout") =>
    sampled.take(stream, bytes(text), perSecond).map(({ line }) => line);
  return { clock, take };
}

Deno.test("at most the requested number of lines is sampled per second", () => {
  const { clock, take } = sampler();
  assert.deepEqual(take("1\n2\n"), ["1", "2"]);
  assert.deepEqual(take("3\n4\n5\n"), ["3"]);
  assert.deepEqual(take("6\n"), []);
  clock.nowMs = 1000;
  assert.deepEqual(take("7\n8\r\n\n9\n"), ["7", "8", ""]);
});

Deno.test("lines that arrive in pieces are reassembled per stream", () => {
  const { take } = sampler(10);
  assert.deepEqual(take("be"), []);
  assert.deepEqual(take("other\n", "stderr"), ["other"]);
  assert.deepEqual(take("gin"), []);
  assert.deepEqual(take("ning\nnext"), ["beginning"]);
  assert.deepEqual(take("\n"), ["next"]);
});

Deno.test("a line whose beginning was skipped is omitted", () => {
  const { clock, take } = sampler(1);
  assert.deepEqual(take("1\n2 has a beginn"), ["1"]);
  clock.nowMs = 1000;
  assert.deepEqual(take("ing\n3\n"), ["3"]);
  clock.nowMs = 2000;
  assert.deepEqual(take("4\n5\n"), ["4"]);
  clock.nowMs = 3000;
  assert.deepEqual(take("6\n"), ["6"]);
});

Deno.test("long lines are truncated and not buffered beyond the limit", () => {
  const { take } = sampler(10);
  const long = "x".repeat(3 * MAX_SAMPLE_BYTES);
  assert.deepEqual(take(long), []);
  assert.deepEqual(take(long), []);
  assert.deepEqual(take(`${long}\nshort\n`), ["x".repeat(MAX_SAMPLE_BYTES), "short"]);
});
