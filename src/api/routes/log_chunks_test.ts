import { strict as assert } from "node:assert";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";
import { detailsText, logChunks, type LogFormat } from "./log_chunks.ts";

const TIME = "2026-01-02T03:04:05.000000006Z";
const record = (text: string, more: Partial<LogRecord> = {}): LogRecord => ({
  ...{ stream: "stdout", time: TIME, continues: false },
  bytes: new TextEncoder().encode(text),
  ...more,
});

async function chunks(format: Partial<LogFormat>, ...batches: LogRecord[][]): Promise<string[]> {
  const all: LogFormat = { timestamps: false, details: false, multiplexed: false, ...format };
  const iterable = (async function* () {
    for (const batch of batches) yield await Promise.resolve(batch);
  })();
  return await Array.fromAsync(logChunks(iterable, all), (chunk) => new TextDecoder("latin1").decode(chunk));
}

Deno.test("each batch is a chunk, each record a frame", async () => {
  const batches = [[record("a\n"), record("b".repeat(300), { stream: "stderr" })], [record("")]];
  assert.deepEqual(await chunks({ multiplexed: true }, ...batches), [
    `\x01\0\0\0\0\0\0\x02a\n\x02\0\0\0\0\0\x01\x2c${"b".repeat(300)}`,
    "\x01\0\0\0\0\0\0\0",
  ]);
  assert.deepEqual(await chunks({}, ...batches), [`a\n${"b".repeat(300)}`, ""]);
});

Deno.test("each line is prefixed once with time and details, in Docker's order", async () => {
  const attrs = { "b c": "1&2", a: "ü*" };
  const batch = [record("x", { attrs }), record("y\n", { continues: true, attrs }), record("z\n", { attrs })];
  assert.deepEqual(await chunks({ timestamps: true }, batch), [`${TIME} xy\n${TIME} z\n`]);
  const details = "a=%C3%BC%2A,b+c=1%262 ";
  assert.deepEqual(await chunks({ details: true }, batch), [`${details}xy\n${details}z\n`]);
  assert.deepEqual(await chunks({ details: true, timestamps: true }, [record("x\n")]), [`${TIME}  x\n`]);
  assert.equal(
    (await chunks({ timestamps: true, multiplexed: true }, [record("x\n")]))[0].charCodeAt(7),
    TIME.length + 3,
  );
});

Deno.test("details without attributes are empty", () => {
  assert.equal(detailsText(), "");
  assert.equal(detailsText({ "a=b": "c,d~e-f_g.h" }), "a%3Db=c%2Cd~e-f_g.h");
});
