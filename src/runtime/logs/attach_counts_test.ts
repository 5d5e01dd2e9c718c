import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { AttachCounts } from "./attach_counts.ts";

Deno.test("marks: the next engine has what was there when this one was killed, and so has the one after it", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tsd-marks-" });
  try {
    const engine = () => new AttachCounts(`${dir}/attached`, SILENT_LOG);
    const first = engine();
    assert.deepEqual(first.left(), []);
    for (const [key, listeners] of [["a", 1], ["b", 1], ["b", 2], ["c", 1], ["c", 0]] as const) {
      first.note(key, listeners);
    }
    // Killed before it wrote.
    Deno.writeTextFileSync(`${dir}/attached/d`, "");
    const byKey = (a: { key: string }, b: { key: string }) => a.key < b.key ? -1 : 1;
    for (let n = 0; n < 2; n++) {
      assert.deepEqual(engine().left().sort(byKey), [
        { key: "a", listeners: 1, seen: {} },
        { key: "b", listeners: 2, seen: {} },
        { key: "d", listeners: 1, seen: {} },
      ]);
    }
    for (const key of ["a", "b", "d"]) first.note(key, 0);
    assert.deepEqual([...Deno.readDirSync(`${dir}/attached`)], []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("marks: a folder that can't be written costs nothing but the marks", () => {
  const marks = new AttachCounts("/proc/attached", SILENT_LOG);
  assert.deepEqual(marks.left(), []);
  marks.note("a", 1);
  marks.note("a", 0);
});
