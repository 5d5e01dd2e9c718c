import { strict as assert } from "node:assert";
import fc from "fast-check";
import { LineSplitter, MAX_RECORD_BYTES, type PieceKind } from "./line_splitter.ts";

interface Piece extends PieceKind {
  readonly bytes: Uint8Array;
}

function pieces(chunks: readonly Uint8Array[]): Piece[] {
  const all: Piece[] = [];
  const splitter = new LineSplitter((piece, kind) => all.push({ bytes: piece.slice(), ...kind }) > 0);
  for (const chunk of chunks) assert.equal(splitter.push(chunk), chunk.length);
  splitter.end();
  return all;
}

const encode = (text: string) => new TextEncoder().encode(text);
const lengths = (all: readonly Piece[]) => all.map(({ bytes }) => bytes.length);

Deno.test("lines are split correctly, however their bytes are chunked", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(5), fc.integer({ min: MAX_RECORD_BYTES - 3, max: 2 * MAX_RECORD_BYTES + 3 })), {
        maxLength: 5,
      }),
      fc.integer({ min: 1, max: 3 * MAX_RECORD_BYTES }),
      fc.boolean(),
      (sizes, chunkBytes, ended) => {
        const text = sizes.map((size) => "x".repeat(size)).join("\n") + (ended ? "\n" : "");
        const bytes = encode(text);
        const chunks = Array.from(
          { length: Math.ceil(bytes.length / chunkBytes) },
          (_, i) => bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes),
        );
        const all = pieces(chunks);
        assert.equal(
          all.map((piece) => new TextDecoder().decode(piece.bytes) + (piece.complete ? "\n" : "")).join(""),
          text,
        );
        all.forEach((piece, i) => {
          assert.ok(piece.bytes.length <= MAX_RECORD_BYTES);
          assert.equal(piece.continues, i > 0 && !all[i - 1].complete);
          if (!piece.complete && i < all.length - 1) assert.equal(piece.bytes.length, MAX_RECORD_BYTES);
        });
      },
    ),
  );
});

Deno.test("a line of exactly 16 KiB is one piece", () => {
  const line = encode("x".repeat(MAX_RECORD_BYTES));
  assert.deepEqual(lengths(pieces([line, encode("\n")])), [MAX_RECORD_BYTES]);
  assert.deepEqual(lengths(pieces([encode("x".repeat(MAX_RECORD_BYTES) + "\n")])), [MAX_RECORD_BYTES]);
});

Deno.test("a line is never split inside a character", () => {
  for (const char of ["é", "€", "😀"]) {
    for (let before = 0; before < 5; before++) {
      for (const chunkBytes of [7, 1 << 20]) {
        const text = "x".repeat(before) + char.repeat(MAX_RECORD_BYTES);
        const bytes = encode(text);
        const chunks = Array.from(
          { length: Math.ceil(bytes.length / chunkBytes) },
          (_, i) => bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes),
        );
        const decoder = new TextDecoder("utf-8", { fatal: true });
        assert.equal(pieces(chunks).map((piece) => decoder.decode(piece.bytes)).join(""), text);
      }
    }
  }
});

Deno.test("invalid UTF-8 is split after 16 KiB", () => {
  assert.deepEqual(lengths(pieces([new Uint8Array(MAX_RECORD_BYTES + 9).fill(0x80)])), [MAX_RECORD_BYTES, 9]);
});

Deno.test("push stops when the sink accepts no more, and continues at the same byte", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { maxLength: 6 }), fc.nat(50_000), (sizes, split) => {
      const text = sizes.map((size) => "x".repeat(size) + "\n").join("");
      let got = "";
      const splitter = new LineSplitter((piece, { complete }) => {
        got += new TextDecoder().decode(piece) + (complete ? "\n" : "");
        return false;
      });
      for (const chunk of [text.slice(0, split), text.slice(split)]) {
        for (let rest = encode(chunk); rest.length > 0;) {
          const before = got.length;
          const taken = splitter.push(rest);
          assert.ok(got.length - before <= MAX_RECORD_BYTES + 1);
          assert.ok(taken > 0 || got.length > before);
          rest = rest.subarray(taken);
        }
      }
      splitter.end();
      assert.equal(got, text);
    }),
  );
});
