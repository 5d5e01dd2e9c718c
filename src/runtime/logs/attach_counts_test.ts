import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { AttachCounts } from "./attach_counts.ts";

Deno.test("attach counts of a killed engine are available to the next engine and to the one after it", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tsd-marks-" });
  try {
    const engine = () => new AttachCounts(`${dir}/attached`, SILENT_LOG);
    const first = engine();
    assert.deepEqual(first.readAll(), []);
    for (const [key, listeners] of [["a", 1], ["b", 1], ["b", 2], ["c", 1], ["c", 0]] as const) {
      first.set(key, listeners);
    }
    // An engine was killed before it wrote to the file.
    Deno.writeTextFileSync(`${dir}/attached/d`, "");
    const byKey = (a: { key: string }, b: { key: string }) => a.key < b.key ? -1 : 1;
    for (let n = 0; n < 2; n++) {
      assert.deepEqual(engine().readAll().sort(byKey), [
        { key: "a", listeners: 1, seen: {} },
        { key: "b", listeners: 2, seen: {} },
        { key: "d", listeners: 1, seen: {} },
      ]);
    }
    for (const key of ["a", "b", "d"]) first.set(key, 0);
    assert.deepEqual([...Deno.readDirSync(`${dir}/attached`)], []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a directory that can't be written only loses the attach counts", () => {
  const counts = new AttachCounts("/proc/attached", SILENT_LOG);
  assert.deepEqual(counts.readAll(), []);
  counts.set("a", 1);
  counts.set("a", 0);
});
