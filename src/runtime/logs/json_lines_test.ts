import { strict as assert } from "node:assert";
import fc from "fast-check";
import { attrsField, RecordBuffer, recordMemory, recordSuffix } from "./json_lines.ts";
import { writeBase64, writeJsonText } from "./json_text.ts";
import { LineSplitter, MAX_RECORD_BYTES } from "./line_splitter.ts";
import { RecordParser } from "./record_parser.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const SUFFIX = recordSuffix("stdout", "2026-01-02T03:04:05.000000006Z");

/** Returns the records of `chunks` as text. */
function written(chunks: readonly Uint8Array[], memory?: Uint8Array): string {
  let text = "";
  const append = (bytes: Uint8Array) => void (text += new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  const buffer = new RecordBuffer({ roomBytes: Infinity, isEmpty: false, append, rotate: () => {} }, memory);
  const splitter = new LineSplitter((piece, kind) => {
    buffer.add(piece, kind, SUFFIX);
    return true;
  });
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  buffer.flush();
  return text;
}

interface Fields {
  readonly log: string;
  readonly raw?: string;
  readonly part?: string;
}

const lines = (text: string) => text.split("\n").slice(0, -1);
const records = (chunks: readonly Uint8Array[]): Fields[] => lines(written(chunks)).map((line) => JSON.parse(line));

/** Returns the bytes that a reader gets from written records. */
function readBack(text: string): Uint8Array {
  const parser = new RecordParser();
  const parts = lines(text).map((line) => parser.parse(encode(line))?.bytes ?? assert.fail(line));
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
}

Deno.test("records have Docker's format", () => {
  assert.equal(
    written([encode('a "b" <c>\t\\\u2028\x7f\n')]),
    '{"log":"a \\"b\\" \\u003cc\\u003e\\t\\\\\\u2028\x7f\\n","stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"}\n',
  );
});

Deno.test("attributes are sorted and come between stream and time", () => {
  const suffix = recordSuffix("stderr", "T", attrsField({ b: '"', a: "1" }));
  assert.equal(new TextDecoder().decode(suffix), '","stream":"stderr","attrs":{"a":"1","b":"\\""},"time":"T"}\n');
  assert.equal(attrsField({}), "");
});

Deno.test("any text is read back unchanged, however it was split, and equals the result of JSON.parse", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (text, size) => {
      const whole = text.toWellFormed();
      const json = written(cut(encode(whole), size));
      assert.equal(lines(json).map((line) => JSON.parse(line).log).join(""), whole);
      assert.deepEqual(readBack(json), encode(whole));
    }),
  );
});

Deno.test("any bytes are read back unchanged; JSON readers get U+FFFD for invalid UTF-8", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (bytes, size) => {
      const json = written(cut(bytes, size));
      assert.deepEqual(readBack(json), bytes);
      const expected = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).replace(/\ufffd+/g, "?");
      assert.equal(lines(json).map((line) => JSON.parse(line).log).join("").replace(/\ufffd+/g, "?"), expected);
    }),
    { examples: [[Uint8Array.of(0xff), 1], [Uint8Array.of(0xe2, 0x82, 10, 0xc3), 9]] },
  );
  const [record] = records([Uint8Array.of(0x61, 0xff, 10)]);
  assert.deepEqual([record.log, record.raw], ["a\ufffd\n", "Yf8K"]);
});

Deno.test("valid and invalid UTF-8 are distinguished at all boundaries of its table", () => {
  const out = new Uint8Array(64);
  for (
    const first of [
      0x7f,
      0x80,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xe1,
      0xec,
      0xed,
      0xee,
      0xef,
      0xf0,
      0xf1,
      0xf4,
      0xf5,
      0xff,
    ]
  ) {
    for (const second of [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0]) {
      for (const rest of [[], [0x80], [0x80, 0x80], [0xbf, 0x7f]]) {
        const bytes = Uint8Array.of(first, second, ...rest);
        assert.equal(writeJsonText(bytes, out, 0) >= 0, isUtf8(bytes), bytes.toHex());
      }
    }
  }
});

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch (thrown) {
    if (thrown instanceof TypeError) return false;
    throw thrown;
  }
}

Deno.test("writeBase64 encodes bytes with and without a trailing byte", () => {
  const out = new Uint8Array(200);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.option(fc.nat(255), { nil: undefined }), (bytes, last) => {
    const end = writeBase64(bytes, last, out, 3);
    const whole = last === undefined ? bytes : Uint8Array.of(...bytes, last);
    assert.equal(new TextDecoder().decode(out.subarray(3, end)), whole.toBase64());
  }));
});

Deno.test("a line over 16 KiB is split; only its last piece ends with a newline, and continuations are marked", () => {
  const pieces = records([encode("x".repeat(MAX_RECORD_BYTES * 2 + 5) + "\nend")]);
  assert.deepEqual(pieces.map(({ log }) => log.length), [MAX_RECORD_BYTES, MAX_RECORD_BYTES, 6, 3]);
  assert.deepEqual(pieces.map(({ log }) => log.endsWith("\n")), [false, false, true, false]);
  assert.deepEqual(pieces.map(({ part }) => part), [undefined, "rest", "rest", undefined]);
});

Deno.test("bytes with the largest expansion that exceed the buffer are not lost", () => {
  for (const line of [new Uint8Array(MAX_RECORD_BYTES).fill(1), new Uint8Array(MAX_RECORD_BYTES).fill(0xff)]) {
    const json = written([Uint8Array.of(...line, 10), line, Uint8Array.of(10), line], recordMemory(0));
    assert.equal(readBack(json).toHex(), Uint8Array.of(...line, 10, ...line, 10, ...line).toHex());
  }
});

Deno.test("a file contains whole records up to its maximum size; a larger record gets its own file", () => {
  const one = written([encode("1234\n")]).length;
  for (const maxBytes of [1, one - 1, one, one + 1, 3 * one]) {
    const files: string[] = [""];
    const sink = {
      get roomBytes() {
        return maxBytes - files.at(-1)!.length;
      },
      get isEmpty() {
        return files.at(-1) === "";
      },
      append: (bytes: Uint8Array) => void (files[files.length - 1] += new TextDecoder().decode(bytes)),
      rotate: () => void files.push(""),
    };
    const buffer = new RecordBuffer(sink);
    for (let i = 0; i < 7; i++) buffer.add(encode("1234"), { complete: true, continues: false }, SUFFIX);
    buffer.flush();
    const each = Math.max(1, Math.floor(maxBytes / one));
    const expected = Array.from({ length: Math.ceil(7 / each) }, (_, i) => Math.min(each, 7 - i * each));
    assert.deepEqual(files.map((file) => lines(file).length), expected, `${maxBytes}`);
  }
});
