/**
 * @module
 * Test support: a hand-assembled WebAssembly plugin. It counts its calls in its memory, and fails in a way that depends
 * on the length of a call.
 */

/** Minimum length in bytes of calls that fail in each way. Shorter ones are answered with the count, from 1 to 9. */
export const GOES_WRONG = { traps: 100, refuses: 200, pointsOutside: 300, isNoJson: 400 } as const;

const MANIFEST = { at: 16, text: '{"hooks":["h"]}' };
const COUNT = { at: 48, text: '{"value":0}' };
const NO = { at: 80, text: '{"error":"no"}' };
const NO_JSON = { at: 112, text: "none" };
const DIGIT = COUNT.at + COUNT.text.indexOf("0");
const ROOM = 1024;

const OP = {
  ...{ unreachable: 0x00, if: 0x04, end: 0x0b, return: 0x0f, get: 0x20, load8: 0x2d, store8: 0x3a },
  ...{ i32: 0x41, i64: 0x42, atLeast: 0x4f, add: 0x6a },
} as const;
const [I32, I64, FUNCTION, NOTHING] = [0x7f, 0x7e, 0x60, 0x40];

/** Encodes a signed LEB128 integer. */
function number(value: bigint | number): number[] {
  const rest = BigInt(value);
  const byte = Number(rest & 0x7fn);
  const isLast = (rest >> 7n === 0n && byte < 0x40) || (rest >> 7n === -1n && byte >= 0x40);
  return isLast ? [byte] : [byte | 0x80, ...number(rest >> 7n)];
}

/** Encodes an unsigned LEB128 integer. */
const size = (value: number): number[] => value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...size(value >> 7)];

const sized = (bytes: readonly number[]) => [...size(bytes.length), ...bytes];
const list = (items: readonly (readonly number[])[]) => [...size(items.length), ...items.flat()];
const text = (value: string) => sized([...new TextEncoder().encode(value)]);
const section = (id: number, items: readonly (readonly number[])[]) => [id, ...sized(list(items))];
const body = (...code: readonly number[]) => sized([0, ...code, OP.end]);
const pointer = (at: number, length: number) => [OP.i64, ...number(BigInt(at) << 32n | BigInt(length))];
const pointerTo = ({ at, text }: { readonly at: number; readonly text: string }) => pointer(at, text.length);
const ifLong = (
  bytes: number,
  ...code: readonly number[]
) => [OP.get, 1, OP.i32, ...number(bytes), OP.atLeast, OP.if, NOTHING, ...code, OP.end];

const HOOK = body(
  ...[OP.i32, ...number(DIGIT), OP.i32, ...number(DIGIT), OP.load8, 0, 0, OP.i32, 1, OP.add, OP.store8, 0, 0],
  ...ifLong(GOES_WRONG.isNoJson, ...pointerTo(NO_JSON), OP.return),
  ...ifLong(GOES_WRONG.pointsOutside, ...pointer(1 << 20, 1), OP.return),
  ...ifLong(GOES_WRONG.refuses, ...pointerTo(NO), OP.return),
  ...ifLong(GOES_WRONG.traps, OP.unreachable),
  ...pointerTo(COUNT),
);
const exported = (name: string, kind: number, index: number) => [...text(name), kind, index];
const inMemory = (
  each: { readonly at: number; readonly text: string },
) => [0, OP.i32, ...number(each.at), OP.end, ...text(each.text)];

/** The module's bytes. */
export const COUNTING_MODULE: Uint8Array<ArrayBuffer> = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [[FUNCTION, 1, I32, 1, I32], [FUNCTION, 0, 1, I64], [FUNCTION, 2, I32, I32, 1, I64]]),
  ...section(3, [[0], [1], [2]]),
  ...section(5, [[0, 1]]),
  ...section(7, [
    exported("memory", 2, 0),
    exported("tsd_alloc", 0, 0),
    exported("tsd_manifest", 0, 1),
    exported("tsd_hook", 0, 2),
  ]),
  ...section(10, [body(OP.i32, ...number(ROOM)), body(...pointerTo(MANIFEST)), HOOK]),
  ...section(11, [MANIFEST, COUNT, NO, NO_JSON].map(inMemory)),
]);
