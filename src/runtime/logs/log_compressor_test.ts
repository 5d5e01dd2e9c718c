import { strict as assert } from "node:assert";
import { gunzipSync } from "node:zlib";
import { CompressionQueue, LogCompressor } from "./log_compressor.ts";
import { LogFixture } from "./logs_testing.ts";

const LINES_BYTES = 300_000;
/** Text larger than several pieces of the compressor. */
const text = (n: number) => `${`line ${n} `.repeat(1000)}\n`.repeat(LINES_BYTES / 7000);

const queue = new CompressionQueue();

function compressor(fixture: LogFixture): LogCompressor {
  return new LogCompressor(fixture.log, queue, (error) => assert.fail(error));
}

const names = ({ dir }: LogFixture) =>
  Array.from(Deno.readDirSync(dir), ({ name }) => name.slice("x-json.log".length)).sort();

async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!done()) {
    assert.ok(performance.now() < deadline, "waited 10 s");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Returns a log with `count` rotated files, each with one text, and an empty current file. */
function filled(count: number, maxFiles = 5): LogFixture {
  const fixture = new LogFixture({ maxSizeBytes: LINES_BYTES * 2, maxFiles, compress: true });
  for (let n = 1; n <= count; n++) {
    fixture.write(text(n));
    fixture.log.rotate();
  }
  return fixture;
}

Deno.test("rotated files are compressed and decompress to their original size", async () => {
  using fixture = filled(3);
  const plain = Deno.readFileSync(`${fixture.spec.path}.2`);
  const before = fixture.log.totalBytes;
  compressor(fixture).start();
  await until(() => fixture.log.closed.every(({ compressed }) => compressed));
  await queue.idle();
  assert.deepEqual(names(fixture), ["", ".1.gz", ".2.gz", ".3.gz"]);
  assert.ok(fixture.log.totalBytes < before / 10);
  assert.deepEqual(new Uint8Array(gunzipSync(Deno.readFileSync(`${fixture.spec.path}.2.gz`))).length, plain.length);
  const sizes = fixture.log.closed.map((file) => Deno.statSync(fixture.log.pathOf(file)).size);
  assert.deepEqual(fixture.log.closed.map(({ sizeBytes }) => sizeBytes), sizes);
});

Deno.test("a file that is renamed during compression gets its new name; for a removed one compression is abandoned", async () => {
  using fixture = filled(1, 3);
  const compressing = compressor(fixture);
  compressing.start();
  await until(() => names(fixture).includes(".gz.tmp"));
  fixture.write(text(2));
  fixture.log.rotate();
  await until(() => fixture.log.closed.every(({ compressed }) => compressed));
  await queue.idle();
  assert.deepEqual(names(fixture), ["", ".1.gz", ".2.gz"]);

  fixture.write(text(3));
  fixture.log.rotate();
  compressing.start();
  await until(() => names(fixture).includes(".gz.tmp"));
  for (let i = 0; i < 2; i++) {
    fixture.write(text(i));
    fixture.log.rotate();
  }
  await until(() => !names(fixture).includes(".gz.tmp"));
  assert.deepEqual(names(fixture), ["", ".1", ".2"]);
  await queue.idle();
});

Deno.test("close removes the compressor's output and leaves the original", async () => {
  using fixture = filled(1);
  const compressing = compressor(fixture);
  compressing.start();
  await until(() => names(fixture).includes(".gz.tmp"));
  compressing.close();
  assert.deepEqual(names(fixture), ["", ".1"]);
  await queue.idle();
  assert.deepEqual(names(fixture), ["", ".1"]);
});

Deno.test("compression is abandoned when the log needs the disk space", async () => {
  using fixture = new LogFixture({ maxSizeBytes: 2 * LINES_BYTES, maxFiles: 2, compress: true });
  const noise = () => crypto.getRandomValues(new Uint8Array(LINES_BYTES / 10)).toHex() + "\n";
  for (let i = 0; i < 9; i++) fixture.write(noise());
  fixture.log.rotate();
  const compressing = compressor(fixture);
  compressing.start();
  await until(() => names(fixture).includes(".gz.tmp"));
  for (let i = 0; i < 9; i++) fixture.write(noise());
  // Both files are nearly full: a third one would exceed the limit.
  await queue.idle();
  assert.deepEqual(names(fixture), ["", ".1"]);
});
