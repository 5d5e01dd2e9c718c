import { strict as assert } from "node:assert";
import fc from "fast-check";
import { LogFixture } from "./logs_testing.ts";

const RECORD_BYTES = `{"log":"0000\\n","stream":"stdout","time":"2026-01-01T00:00:00.000000000Z"}\n`.length;

/** Returns the texts of the records in a file. */
const logged = (text: string): string[] => text.split("\n").slice(0, -1).map((line) => JSON.parse(line).log);
const line = (n: number) => `${String(n).padStart(4, "0")}\n`;

function writeLines(fixture: LogFixture, from: number, to: number): void {
  for (let n = from; n <= to; n++) fixture.write(line(n));
}

/** Returns for each file its name suffix, and the first and last number in it. */
const spans = (fixture: LogFixture) =>
  fixture.contents().map(([name, text]) => {
    const numbers = logged(text).map(Number);
    return `${name}:${numbers.length === 0 ? "" : `${numbers[0]}-${numbers.at(-1)}`}`;
  });

Deno.test("files are renamed as in Docker, and the oldest is removed", () => {
  using fixture = new LogFixture({ maxSizeBytes: 3 * RECORD_BYTES, maxFiles: 3 });
  writeLines(fixture, 1, 3);
  assert.deepEqual(spans(fixture), [":1-3"]);
  writeLines(fixture, 4, 8);
  assert.deepEqual(spans(fixture), [".2:1-3", ".1:4-6", ":7-8"]);
  writeLines(fixture, 9, 10);
  assert.deepEqual(spans(fixture), [".2:4-6", ".1:7-9", ":10-10"]);
});

Deno.test("a single file is removed when it is full", () => {
  using fixture = new LogFixture({ maxSizeBytes: 3 * RECORD_BYTES, maxFiles: 1 });
  writeLines(fixture, 1, 8);
  assert.deepEqual(spans(fixture), [":7-8"]);
});

Deno.test("records continue in a new file if another program removes the current one or its directory", () => {
  const removals: Record<string, (fixture: LogFixture) => void> = {
    file: ({ spec }) => Deno.removeSync(spec.path),
    another: ({ spec }) => Deno.renameSync(spec.path, `${spec.path}-kept`),
    all: ({ dir }) => Deno.removeSync(dir, { recursive: true }),
  };
  for (const [what, remove] of Object.entries(removals)) {
    using fixture = new LogFixture({ maxSizeBytes: 3 * RECORD_BYTES, maxFiles: 3 });
    writeLines(fixture, 1, 4);
    remove(fixture);
    writeLines(fixture, 5, 6);
    assert.deepEqual(spans(fixture), [...what === "all" ? [] : [".2:1-3"], ":5-6"], what);
    assert.match(fixture.lost.join("\n"), /^The log \S+ was removed by another program; a new one was begun$/, what);
    writeLines(fixture, 7, 8);
    // The older one keeps its number.
    assert.deepEqual(spans(fixture), [...what === "all" ? [] : [".3:1-3"], ".1:5-7", ":8-8"], what);
  }
});

Deno.test("rotated files that another program removes are skipped without losing records", () => {
  using fixture = new LogFixture({ maxSizeBytes: 2 * RECORD_BYTES, maxFiles: 4 });
  writeLines(fixture, 1, 6);
  Deno.removeSync(`${fixture.spec.path}.1`);
  writeLines(fixture, 7, 9);
  assert.deepEqual(spans(fixture), [".4:1-2", ".2:5-6", ".1:7-8", ":9-9"]);
  assert.deepEqual(fixture.lost, []);
});

Deno.test("for any lines, the files contain the complete end of the output and never exceed their limits", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(200), fc.integer({ min: 16_000, max: 40_000 })), { maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 100, max: 60_000 }),
      fc.integer({ min: 1, max: 9 }),
      (lengths, maxFiles, maxSizeBytes, linesAtOnce) => {
        using fixture = new LogFixture({ maxSizeBytes, maxFiles });
        const lines = lengths.map((length, i) => `${i} ${"x".repeat(length)}\n`);
        let written = "";
        for (let i = 0; i < lines.length; i += linesAtOnce) {
          const text = lines.slice(i, i + linesAtOnce).join("");
          fixture.write(text);
          written += text;
          const contents = fixture.contents();
          assert.ok(contents.length <= maxFiles);
          for (const [, text] of contents) {
            assert.ok(text.length <= maxSizeBytes || logged(text).length === 1, `${text.length} of ${maxSizeBytes}`);
          }
          const retained = contents.flatMap(([, text]) => logged(text)).join("");
          assert.ok(written.endsWith(retained), "not the end of what was written");
          assert.ok(retained.length > 0);
        }
        assert.deepEqual(fixture.lost, []);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("after a crash at any point of a rotation, the next engine puts the files in order", () => {
  const calls = ["removeSync", "renameSync", "openSync"] as const;
  for (let survived = 0;; survived++) {
    using fixture = new LogFixture({ maxSizeBytes: 2 * RECORD_BYTES, maxFiles: 4 });
    writeLines(fixture, 1, 8);
    assert.deepEqual(spans(fixture), [".3:1-2", ".2:3-4", ".1:5-6", ":7-8"]);
    const real = { removeSync: Deno.removeSync, renameSync: Deno.renameSync, openSync: Deno.openSync };
    let remainingCalls = survived;
    for (const name of calls) {
      // deno-lint-ignore no-explicit-any
      (Deno as any)[name] = (...args: unknown[]) => {
        if (remainingCalls-- <= 0) throw new Error("crashed");
        // deno-lint-ignore no-explicit-any
        return (real[name] as any)(...args);
      };
    }
    try {
      fixture.log.rotate();
    } finally {
      Object.assign(Deno, real);
    }
    fixture.reopen();
    writeLines(fixture, 9, 9);
    const numbers = fixture.contents().flatMap(([, text]) => logged(text)).map(Number);
    assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9].slice(9 - numbers.length), `after ${survived} calls`);
    assert.ok(numbers.length >= 6, `after ${survived} calls: ${spans(fixture)}`);
    assert.deepEqual(fixture.contents().map(([name]) => name).slice(-3), [".2", ".1", ""], `after ${survived} calls`);
    if (remainingCalls > 0) break;
  }
});

Deno.test("an incomplete record at the end, left by a killed engine, is truncated", () => {
  for (const torn of ['{"log":"half', "x".repeat(200_000)]) {
    using fixture = new LogFixture();
    writeLines(fixture, 1, 2);
    Deno.writeTextFileSync(fixture.spec.path, torn, { append: true });
    fixture.reopen();
    writeLines(fixture, 3, 3);
    assert.deepEqual(spans(fixture), [":1-3"]);
  }
  using whole = new LogFixture();
  Deno.writeTextFileSync(whole.spec.path, "no line at all", { append: true });
  whole.reopen();
  writeLines(whole, 1, 1);
  assert.deepEqual(spans(whole), [":1-1"]);
});

Deno.test("leftovers of an interrupted compression are removed; if both forms of a file exist, the original is retained", () => {
  using fixture = new LogFixture({ maxSizeBytes: RECORD_BYTES, maxFiles: 3 });
  writeLines(fixture, 1, 3);
  Deno.writeTextFileSync(`${fixture.spec.path}.gz.tmp`, "half");
  Deno.writeTextFileSync(`${fixture.spec.path}.1.gz`, "half");
  Deno.writeTextFileSync(`${fixture.spec.path}x`, "somebody else's");
  fixture.reopen();
  const names = Array.from(Deno.readDirSync(fixture.dir), ({ name }) => name.slice("x-json.log".length)).sort();
  assert.deepEqual(names, ["", ".1", ".2", "x"]);
});

Deno.test("files that a reader needs are not removed: the log is held and grows until the reader moves on", () => {
  using fixture = new LogFixture({ maxSizeBytes: RECORD_BYTES, maxFiles: 3 });
  writeLines(fixture, 1, 3);
  const [oldest] = fixture.log.closed.map(({ sequence }) => sequence).reverse();
  fixture.log.need(7, oldest);
  assert.equal(fixture.log.held, false);
  writeLines(fixture, 4, 5);
  assert.equal(fixture.log.held, true);
  assert.deepEqual(spans(fixture), [".2:1-1", ".1:2-2", ":3-5"]);
  fixture.log.need(8, oldest + 1);
  fixture.log.need(7, oldest + 1);
  assert.equal(fixture.log.held, false);
  writeLines(fixture, 6, 6);
  assert.deepEqual(spans(fixture), [".2:2-2", ".1:3-5", ":6-6"]);
  writeLines(fixture, 7, 7);
  assert.equal(fixture.log.held, true);
  fixture.log.need(7, undefined);
  assert.equal(fixture.log.held, true);
  fixture.log.need(8, undefined);
  assert.equal(fixture.log.held, false);
});

Deno.test("with a single file, the writer waits only for a reader that doesn't have the current file open", () => {
  using fixture = new LogFixture({ maxSizeBytes: RECORD_BYTES, maxFiles: 1 });
  writeLines(fixture, 1, 1);
  fixture.log.need(1, fixture.sequence.newest);
  writeLines(fixture, 2, 2);
  assert.equal(fixture.log.held, false);
  assert.deepEqual(spans(fixture), [":2-2"]);
  writeLines(fixture, 3, 3);
  assert.equal(fixture.log.held, true);
  assert.deepEqual(spans(fixture), [":2-3"]);
});

Deno.test("clear removes all files, also of a held log, and writing continues", () => {
  using fixture = new LogFixture({ maxSizeBytes: RECORD_BYTES, maxFiles: 2 });
  fixture.log.need(1, 0);
  writeLines(fixture, 1, 3);
  assert.equal(fixture.log.held, true);
  fixture.log.clear();
  assert.equal(fixture.log.held, false);
  assert.deepEqual(spans(fixture), [":"]);
  writeLines(fixture, 4, 5);
  assert.deepEqual(spans(fixture), [".1:4-4", ":5-5"]);
});

Deno.test("a log that another program truncates continues", () => {
  using fixture = new LogFixture({ maxSizeBytes: 3 * RECORD_BYTES, maxFiles: 2 });
  writeLines(fixture, 1, 3);
  Deno.truncateSync(fixture.spec.path);
  writeLines(fixture, 4, 4);
  assert.deepEqual(spans(fixture), [":4-4"]);
  assert.deepEqual(fixture.lost, []);
});

Deno.test("records are lost on disk errors, the errors are reported, and writing is retried", async () => {
  using fixture = new LogFixture({ maxSizeBytes: 4 * RECORD_BYTES, maxFiles: 2 });
  writeLines(fixture, 1, 1);
  const { writeSync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.writeSync = function (bytes: Uint8Array): number {
    writeSync.call(this, bytes.subarray(0, 10));
    throw Object.assign(new Error("No space remainingCalls on device"), { code: "ENOSPC" });
  };
  try {
    writeLines(fixture, 2, 3);
  } finally {
    Deno.FsFile.prototype.writeSync = writeSync;
  }
  assert.equal(fixture.lost.length, 1);
  assert.match(fixture.lost[0], /Cannot write the log .*: No space remainingCalls on device/);
  await new Promise((resolve) => setTimeout(resolve, 300));
  writeLines(fixture, 4, 4);
  const [[, text]] = fixture.contents();
  assert.deepEqual(logged(text), [line(1), line(4)]);
});
