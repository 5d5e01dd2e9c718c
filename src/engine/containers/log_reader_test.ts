import { strict as assert } from "node:assert";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { LogFixture, second } from "../../runtime/logs/logs_testing.ts";
import type { LogRecord } from "../../runtime/logs/record_parser.ts";
import type { LogSelection } from "./line_filter.ts";
import { type LogFollower, readLog } from "./log_reader.ts";

const BOTH: LogSelection = { stdout: true, stderr: true };

/** What a reader gives, as one text; `onStart` is called once nothing is removed any more that it has not read. */
async function read(
  fixture: LogFixture,
  selection: LogSelection,
  follower?: LogFollower,
  onStart?: () => void,
): Promise<string> {
  const troubles: string[] = [];
  let text = "";
  const { need, release } = fixture.lease;
  const lease = {
    release,
    need: (sequence: number) => {
      need(sequence);
      onStart?.();
    },
  };
  const source = { files: fixture.files, lease, onTrouble: (what: string) => troubles.push(what) };
  const decoder = new TextDecoder();
  for await (const records of readLog(source, selection, follower)) {
    for (const { bytes } of records) text += decoder.decode(bytes);
  }
  assert.deepEqual(troubles, []);
  return text;
}

const textsOf = (records: readonly LogRecord[]) => records.map(({ bytes }) => new TextDecoder().decode(bytes));

/** Lines `from` to `to`, one a second, those with odd numbers on stderr. */
function writeNumbers(fixture: LogFixture, from: number, to: number): void {
  for (let n = from; n <= to; n++) {
    fixture.write(`${n}\n`, { stream: n % 2 === 0 ? "stdout" : "stderr", time: second(n) });
  }
}

const numbers = (text: string) => text.split("\n").slice(0, -1).map(Number);
const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_, i) => from + i * step);

/** Compresses what was put aside. */
function compressAll({ log }: LogFixture, every = 1): void {
  log.closed.forEach((file, i) => {
    if (file.compressed || i % every !== 0) return;
    const packed = gzipSync(Deno.readFileSync(log.pathOf(file)));
    log.replace(file, packed.length, (plain, compressed) => {
      Deno.writeFileSync(compressed, packed);
      Deno.removeSync(plain);
    });
  });
}

Deno.test("all records, one stream, a span of time", async () => {
  using fixture = new LogFixture();
  writeNumbers(fixture, 1, 4);
  assert.deepEqual(numbers(await read(fixture, BOTH)), [1, 2, 3, 4]);
  assert.deepEqual(numbers(await read(fixture, { stdout: true, stderr: false })), [2, 4]);
  assert.deepEqual(numbers(await read(fixture, { ...BOTH, since: second(2), until: second(3) })), [2, 3]);
});

Deno.test("a log that was never written is empty; so is one whose folder has gone", async () => {
  using fixture = new LogFixture();
  assert.equal(await read(fixture, BOTH), "");
  Deno.removeSync(fixture.spec.path);
  assert.equal(await read(fixture, { ...BOTH, tail: 3 }), "");
});

Deno.test("bytes that are no text, lines without an end, and lines of many records come back as they were", async () => {
  using fixture = new LogFixture({ maxSizeBytes: 40_000, maxFiles: 30 });
  const bytes = new Uint8Array(100_000).map((_, i) => i * 7 + (i >> 8));
  fixture.write(bytes);
  const got: number[] = [];
  const source = { files: fixture.files, lease: fixture.lease, onTrouble: assert.fail };
  for await (const records of readLog(source, BOTH)) got.push(...records.flatMap((record) => [...record.bytes]));
  assert.equal(new Uint8Array(got).toHex(), bytes.toHex());
});

Deno.test("any selection over any files, plain and compressed, is what filtering all lines gives", async () => {
  const bound = fc.option(fc.integer({ min: -1, max: 41 }), { nil: undefined });
  const selection = fc.record({ stdout: fc.boolean(), stderr: fc.boolean(), since: bound, until: bound, tail: bound });
  await fc.assert(
    fc.asyncProperty(
      selection,
      fc.integer({ min: 80, max: 900 }),
      fc.integer({ min: 1, max: 3 }),
      async ({ stdout, stderr, since, until, tail: requestedTail }, maxSizeBytes, compressEvery) => {
        using fixture = new LogFixture({ maxSizeBytes, maxFiles: 100 });
        writeNumbers(fixture, 0, 40);
        compressAll(fixture, compressEvery);
        const tail = requestedTail === undefined ? undefined : Math.max(0, requestedTail);
        const chosen = range(0, 40).filter((n) =>
          (n % 2 === 0 ? stdout : stderr) && n >= (since ?? -1) && n <= (until ?? 99)
        );
        const time = (n: number | undefined) => n === undefined ? undefined : second(n);
        const times = { since: time(since), until: time(until) };
        assert.deepEqual(
          numbers(await read(fixture, { stdout, stderr, ...times, tail })),
          tail === undefined ? chosen : chosen.slice(Math.max(0, chosen.length - tail)),
        );
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("the tail counts lines over block borders too", async () => {
  using fixture = new LogFixture();
  fixture.write(range(1, 30_000).map((n) => `${n}\n`).join(""));
  for (const tail of [0, 1, 2, 3001, 29_999, 30_000, 50_000]) {
    assert.deepEqual(numbers(await read(fixture, { ...BOTH, tail })), range(Math.max(1, 30_001 - tail), 30_000));
  }
});

Deno.test("a line of many records is one line for the tail and for times, also between the lines of the other stream", async () => {
  using fixture = new LogFixture({ maxSizeBytes: 50_000, maxFiles: 9 });
  const long = (char: string) => char.repeat(40_000);
  fixture.write("first\n");
  fixture.write(`${long("a")}\n`);
  fixture.write("between\n", { stream: "stderr" });
  fixture.write(`${long("b")}\nlast\n`);
  assert.equal(await read(fixture, { ...BOTH, tail: 1 }), "last\n");
  assert.equal(await read(fixture, { ...BOTH, tail: 2 }), `${long("b")}\nlast\n`);
  assert.equal(await read(fixture, { ...BOTH, tail: 4 }), `${long("a")}\nbetween\n${long("b")}\nlast\n`);
  compressAll(fixture);
  assert.equal(await read(fixture, { ...BOTH, tail: 4 }), `${long("a")}\nbetween\n${long("b")}\nlast\n`);
});

Deno.test("whole files before the span are not read", async () => {
  using fixture = new LogFixture({ maxSizeBytes: 400, maxFiles: 50 });
  writeNumbers(fixture, 0, 100);
  const opened: number[] = [];
  const open = fixture.files.open.bind(fixture.files);
  fixture.files.open = async (sequence) => {
    opened.push(sequence);
    return await open(sequence);
  };
  assert.deepEqual(numbers(await read(fixture, { ...BOTH, since: second(98) })), [98, 99, 100]);
  assert.ok(fixture.sequence.newest > 10);
  assert.ok(opened.length <= 6, opened.join(" "));
});

Deno.test("what isn't followed ends where the log ended at first, even if it is written on", async () => {
  using fixture = new LogFixture({ maxSizeBytes: 300, maxFiles: 50 });
  writeNumbers(fixture, 1, 5);
  const source = { files: fixture.files, lease: fixture.lease, onTrouble: assert.fail };
  const got: number[] = [];
  for await (const records of readLog(source, BOTH)) {
    got.push(...textsOf(records).map(Number));
    writeNumbers(fixture, 6, 12);
  }
  assert.deepEqual(got, [1, 2, 3, 4, 5]);
});

/** A follower whose writer is the test. */
class Writing implements LogFollower {
  #wake = Promise.withResolvers<void>();
  #ended = false;

  changed(): Promise<void> {
    return this.#wake.promise;
  }

  ended(): boolean {
    return this.#ended;
  }

  wrote(): void {
    const before = this.#wake;
    this.#wake = Promise.withResolvers();
    before.resolve();
  }

  end(): void {
    this.#ended = true;
    this.wrote();
  }
}

Deno.test("following loses and repeats nothing, however writing and rotating fall between the reads", async () => {
  const step = fc.record({ lines: fc.integer({ min: 1, max: 60 }), pauseTurns: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 100, max: 3000 }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async (steps, maxSizeBytes, maxFiles, compressed) => {
        using fixture = new LogFixture({ maxSizeBytes, maxFiles });
        const writing = new Writing();
        const started = Promise.withResolvers<void>();
        const reading = read(fixture, BOTH, writing, started.resolve);
        await started.promise;
        let written = 0;
        for (const { lines, pauseTurns } of steps) {
          for (let i = 0; i < lines; i++) {
            fixture.write(`${++written}\n`, { time: second(written) });
            // A real writer pauses while the log is held.
            while (fixture.log.held) {
              writing.wrote();
              await new Promise((resolve) => setTimeout(resolve));
            }
          }
          if (compressed) compressAll(fixture, 2);
          writing.wrote();
          for (let turn = 0; turn < pauseTurns; turn++) await new Promise((resolve) => setTimeout(resolve));
        }
        writing.end();
        assert.deepEqual(numbers(await reading), range(1, written));
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("a follower of a log that is cleared goes on with what comes then", async () => {
  using fixture = new LogFixture({ maxSizeBytes: 250, maxFiles: 5 });
  writeNumbers(fixture, 1, 6);
  const writing = new Writing();
  const source = { files: fixture.files, lease: fixture.lease, onTrouble: () => {} };
  const records = readLog(source, { ...BOTH, tail: 1 }, writing);
  const got = textsOf((await records.next()).value ?? []);
  fixture.log.clear();
  writeNumbers(fixture, 7, 8);
  fixture.log.clear();
  writeNumbers(fixture, 9, 9);
  writing.end();
  for await (const batch of records) got.push(...textsOf(batch));
  assert.deepEqual(got, ["6\n", "9\n"]);
  assert.deepEqual(numbers(await read(fixture, BOTH)), [9]);
});

Deno.test("a file that somebody else empties is followed from its beginning", async () => {
  using fixture = new LogFixture();
  writeNumbers(fixture, 1, 3);
  const writing = new Writing();
  const source = { files: fixture.files, lease: fixture.lease, onTrouble: assert.fail };
  const records = readLog(source, BOTH, writing);
  const got = textsOf((await records.next()).value ?? []);
  Deno.truncateSync(fixture.spec.path);
  const next = records.next();
  writeNumbers(fixture, 4, 5);
  writing.wrote();
  writing.end();
  got.push(...textsOf((await next).value ?? []));
  for await (const batch of records) got.push(...textsOf(batch));
  assert.deepEqual(got, ["1\n", "2\n", "3\n", "4\n", "5\n"]);
});

Deno.test("whoever takes nothing for a while doesn't hold the log any more; what was removed meanwhile is said", async () => {
  using fixture = new LogFixture({ maxSizeBytes: 200, maxFiles: 2 });
  writeNumbers(fixture, 1, 2);
  const troubles: string[] = [];
  const writing = new Writing();
  const source = { files: fixture.files, lease: fixture.lease, onTrouble: (what: string) => troubles.push(what) };
  const records = readLog(source, BOTH, writing);
  await records.next();
  for (let n = 3; n <= 20; n++) {
    writeNumbers(fixture, n, n);
    const before = performance.now();
    while (fixture.log.held) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(performance.now() - before < 20_000);
  }
  writing.end();
  const got: number[] = [];
  for await (const batch of records) got.push(...textsOf(batch).map(Number));
  assert.equal(got.at(-1), 20);
  assert.deepEqual(got, range(got[0], 20).filter((n) => got.includes(n)));
  assert.deepEqual(troubles.map((what) => /removed before/.test(what)), [true]);
});

Deno.test("lines that are no records are left out and said once", async () => {
  using fixture = new LogFixture();
  writeNumbers(fixture, 1, 1);
  Deno.writeTextFileSync(fixture.spec.path, "not json\n{}\n", { append: true });
  writeNumbers(fixture, 2, 2);
  const troubles: string[] = [];
  const source = { files: fixture.files, lease: fixture.lease, onTrouble: (what: string) => troubles.push(what) };
  const got: string[] = [];
  for await (const records of readLog(source, BOTH)) got.push(...textsOf(records));
  assert.deepEqual(got, ["1\n", "2\n"]);
  assert.equal(troubles.length, 1);
});
