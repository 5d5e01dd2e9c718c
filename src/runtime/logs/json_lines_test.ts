import { strict as assert } from "node:assert";
import fc from "fast-check";
import { LineCutter, MAX_RECORD_BYTES, RecordBuffer, recordSuffix, timestampNow } from "./json_lines.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function records(chunks: Uint8Array[]): { log: string; stream: string; time: string }[] {
  let text = "";
  const buffer = new RecordBuffer((bytes) => text += new TextDecoder().decode(bytes));
  const cutter = new LineCutter();
  const suffix = recordSuffix("stdout", "2026-01-02T03:04:05.000000006Z");
  for (const chunk of chunks) cutter.push(chunk, (piece, complete) => buffer.add(piece, complete, suffix));
  cutter.end((piece, complete) => buffer.add(piece, complete, suffix));
  buffer.flush();
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

Deno.test("records have Docker's shape", () => {
  let text = "";
  const buffer = new RecordBuffer((bytes) => text += new TextDecoder().decode(bytes));
  buffer.add(encode('a "b" <c>\t'), true, recordSuffix("stderr", "T"));
  buffer.flush();
  assert.equal(text, '{"log":"a \\"b\\" \\u003cc\\u003e\\t\\n","stream":"stderr","time":"T"}\n');
});

Deno.test("any text comes back whole, however it was cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme", maxLength: 50 })),
      fc.integer({ min: 1, max: 40 }),
      (lines, size) => {
        const whole = lines.map((line) => line.replaceAll("\n", "") + "\n").join("");
        const bytes = encode(whole);
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
        assert.equal(records(chunks).map((record) => record.log).join(""), whole);
      },
    ),
  );
});

Deno.test("a line over 16 KiB is split; only its last piece ends with a newline", () => {
  const got = records([encode("x".repeat(MAX_RECORD_BYTES * 2 + 5) + "\nend")]);
  assert.deepEqual(got.map((record) => record.log.length), [MAX_RECORD_BYTES, MAX_RECORD_BYTES, 6, 3]);
  assert.deepEqual(got.map((record) => record.log.endsWith("\n")), [false, false, true, false]);
});

Deno.test("a line of exactly 16 KiB is one record", () => {
  const got = records([encode("x".repeat(MAX_RECORD_BYTES)), encode("\n")]);
  assert.deepEqual(got.map((record) => record.log.length), [MAX_RECORD_BYTES + 1]);
});

Deno.test("more than one buffer's worth, all of it special, loses nothing", () => {
  const lines = 9000;
  const got = records([encode((`<&>${"é".repeat(100)}\n`).repeat(lines))]);
  assert.equal(got.length, lines);
  assert.ok(got.every((record) => record.log === `<&>${"é".repeat(100)}\n`));
});

Deno.test("invalid UTF-8 becomes U+FFFD", () => {
  assert.deepEqual(records([Uint8Array.of(0x61, 0xff, 0x0a)]).map((record) => record.log), ["a\ufffd\n"]);
});

Deno.test("times have nine digits and are near the clock", () => {
  const time = timestampNow();
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 2000);
});
