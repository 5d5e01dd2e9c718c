import { strict as assert } from "node:assert";
import { PluginLog } from "./plugin_log.ts";

async function inDir(body: (file: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(`${dir}/plugins/p.log`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("records are lines with their time, and can be read from the end", () =>
  inDir(async (file) => {
    const log = new PluginLog(file, () => 0);
    assert.deepEqual(await log.read(10), []);
    for (const message of ["one", "two\nlines", "\x1b[31mred"]) log.write("info", message);
    assert.deepEqual(await log.read(2), [
      "1970-01-01T00:00:00.000Z info two\\nlines",
      "1970-01-01T00:00:00.000Z info \\u001b[31mred",
    ]);
    log.remove();
    log.remove();
    assert.deepEqual(await log.read(10), []);
  }));

Deno.test("its size is bounded", () =>
  inDir(async (file) => {
    let nowMs = 0;
    const log = new PluginLog(file, () => nowMs += 100);
    for (let i = 0; i < 400; i++) log.write("info", `${i} ${"x".repeat(8000)}`);
    const sizes = [file, `${file}.1`].map((each) => Deno.statSync(each).size);
    assert.ok(sizes.every((size) => size <= 1 << 20), String(sizes));
    assert.match((await log.read(1))[0]!, / info 399 x/);
    assert.ok((await log.read(Infinity)).length > 130);
  }));

Deno.test("a flood is cut off, and it is said how much was lost", () =>
  inDir(async (file) => {
    let nowMs = 0;
    const log = new PluginLog(file, () => nowMs);
    for (let i = 0; i < 1000; i++) log.write("info", String(i));
    nowMs = 1000;
    log.write("info", "later");
    const lines = await log.read(1000);
    assert.equal(lines.length, 202);
    assert.match(lines[200]!, /warn \(800 more lines in a second were dropped\)$/);
    assert.match(lines[201]!, /info later$/);
  }));
