import { strict as assert } from "node:assert";
import { type LogFollower, type LogRecord, type LogSelection, readLog } from "./log_reader.ts";

const BOTH: LogSelection = { stdout: true, stderr: true };
const second = (n: number) => `2026-01-01T00:00:${String(n).padStart(2, "0")}.000000000Z`;
const record = (n: number, stream: "stdout" | "stderr" = "stdout"): LogRecord => ({
  log: `line ${n}\n`,
  stream,
  time: second(n % 60),
});
const text = (records: LogRecord[]) => records.map((each) => JSON.stringify(each) + "\n").join("");

async function withLog(content: string, body: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, content);
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

const numbers = (records: LogRecord[]) => records.map(({ log }) => Number(log.slice(5)));

Deno.test("all records, one stream, a span of time", async () => {
  const records = [record(1), record(2, "stderr"), record(3), record(4)];
  await withLog(text(records), async (path) => {
    assert.deepEqual(await Array.fromAsync(readLog(path, BOTH)), records);
    assert.deepEqual(numbers(await Array.fromAsync(readLog(path, { stdout: false, stderr: true }))), [2]);
    const span = { ...BOTH, since: second(2), until: second(3) };
    assert.deepEqual(numbers(await Array.fromAsync(readLog(path, span))), [2, 3]);
  });
});

Deno.test("the tail counts only what is wanted, over block borders too", async () => {
  const records = Array.from({ length: 3000 }, (_, n) => record(n, n % 2 === 0 ? "stdout" : "stderr"));
  await withLog(text(records), async (path) => {
    for (const tail of [0, 1, 2, 999, 2999, 3000, 5000]) {
      const got = numbers(await Array.fromAsync(readLog(path, { ...BOTH, tail })));
      assert.deepEqual(got, numbers(records).slice(Math.max(0, 3000 - tail)));
    }
    const odd = numbers(await Array.fromAsync(readLog(path, { stdout: false, stderr: true, tail: 1400 })));
    assert.equal(odd.length, 1400);
    assert.ok(odd.every((n) => n % 2 === 1));
  });
});

Deno.test("a log that was never written is empty", async () => {
  assert.deepEqual(await Array.fromAsync(readLog("/nonexistent/log", BOTH)), []);
});

Deno.test("following sees what is written later, and ends", async () => {
  await withLog(text([record(1)]), async (path) => {
    let ended = false;
    let wake = Promise.withResolvers<void>();
    const follower: LogFollower = { changed: () => wake.promise, ended: () => ended };
    const got: number[] = [];
    const reading = (async () => {
      for await (const { log } of readLog(path, BOTH, follower)) {
        got.push(Number(log.slice(5)));
        if (got.length === 1) {
          await Deno.writeTextFile(path, text([record(2)]), { append: true });
          const before = wake;
          wake = Promise.withResolvers();
          before.resolve();
        }
        if (got.length === 2) {
          await Deno.writeTextFile(path, text([record(3)]), { append: true });
          ended = true;
          wake.resolve();
        }
      }
    })();
    await reading;
    assert.deepEqual(got, [1, 2, 3]);
  });
});

Deno.test("a damaged record is named", async () => {
  await withLog("not json\n", async (path) => {
    await assert.rejects(Array.fromAsync(readLog(path, BOTH)), /is damaged/);
  });
});
