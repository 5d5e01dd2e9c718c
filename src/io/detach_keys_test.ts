import { strict as assert } from "node:assert";
import fc from "fast-check";
import { DEFAULT_DETACH_KEYS, DetachScanner, parseDetachKeys } from "./detach_keys.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (each: Uint8Array) => new TextDecoder().decode(each);

Deno.test("detach keys: characters, control keys, DEL, the default", () => {
  const cases: [string, number[]][] = [
    ["", [16, 17]],
    [DEFAULT_DETACH_KEYS, [16, 17]],
    ["ctrl-a,a", [1, 97]],
    ["ctrl-@,ctrl-[,~,ctrl-o", [0, 27, 126, 15]],
    ["ctrl-z,ctrl-],ctrl-^,ctrl-_", [26, 29, 30, 31]],
    ["ctrl-\\", [28]],
    ["ctrl-\\\\", [28]],
    ["DEL,+", [127, 43]],
    ["A,Z,-, ", [65, 90, 45, 32]],
  ];
  for (const [keys, codes] of cases) assert.deepEqual([...parseDetachKeys(keys)], codes, keys);
});

Deno.test("invalid detach keys are rejected with Docker's message", () => {
  for (const keys of ["shift-z", "ctrl-P", "CTRL-p", "ctrl-", "ctrl-pp", "ctrl-1", "a,,b", ",", "a,", "é", "del"]) {
    assert.throws(() => parseDetachKeys(keys), {
      code: "invalid_argument",
      message: `Invalid detach keys (${keys}) provided`,
    });
  }
});

Deno.test("a partial sequence is withheld until the next byte decides", () => {
  const scanner = new DetachScanner(parseDetachKeys(""));
  const shown = (input: string) => {
    const { passed, detached } = scanner.push(bytes(input));
    return [text(passed), detached];
  };
  assert.deepEqual(shown("ls\n"), ["ls\n", false]);
  assert.deepEqual(shown("a\x10"), ["a", false]);
  assert.deepEqual(shown("b"), ["\x10b", false]);
  assert.deepEqual(shown("\x10"), ["", false]);
  assert.deepEqual(shown("\x10"), ["\x10", false]);
  assert.deepEqual(shown("\x11rest"), ["", true]);
  assert.deepEqual(shown("more"), ["", true]);
  assert.deepEqual(text(scanner.end()), "");
});

Deno.test("input that ends in the middle of the sequence is passed on completely", () => {
  const scanner = new DetachScanner(parseDetachKeys("a,b,c"));
  assert.equal(text(scanner.push(bytes("xab")).passed), "x");
  assert.equal(text(scanner.end()), "ab");
  assert.equal(text(scanner.end()), "");
});

Deno.test("the first occurrence of the sequence is found for any chunking; input before it is passed unchanged", () => {
  // A small alphabet, so that prefixes of the sequence occur often and overlap.
  const letters = fc.uint8Array({ max: 2, maxLength: 40 });
  const keys = fc.uint8Array({ max: 2, minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(keys, letters, fc.array(fc.nat(6), { maxLength: 40 }), (sequence, input, sizes) => {
      const at = text(input).indexOf(text(sequence));
      const scanner = new DetachScanner(sequence);
      const passed: number[] = [];
      let detached = false;
      for (let from = 0, i = 0; from < input.length; i++) {
        const to = i < sizes.length ? from + sizes[i] : input.length;
        const scanned = scanner.push(input.subarray(from, to));
        passed.push(...scanned.passed);
        detached = scanned.detached;
        assert.equal(detached, at >= 0 && to >= at + sequence.length, "detected at once");
        from = to;
      }
      passed.push(...scanner.end());
      assert.equal(detached, at >= 0);
      assert.deepEqual(passed, [...(at < 0 ? input : input.subarray(0, at))]);
    }),
    { numRuns: 2000 },
  );
});
