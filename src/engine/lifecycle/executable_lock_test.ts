import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { LineLog, SILENT_LOG } from "../../log.ts";
import { lockExecutable } from "./executable_lock.ts";

const isHeld = async (dir: string) =>
  !(await new Deno.Command("flock", { args: ["-n", dir, "true"] }).output()).success;

Deno.test("an engine in the portable form holds its folders; others have none", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tsd-program-" });
  try {
    {
      using _held = lockExecutable(SILENT_LOG, "portable", () => [dir]);
      assert.equal(await isHeld(dir), true);
    }
    using _none = lockExecutable(SILENT_LOG, "compiled", () => [dir]);
    assert.equal(await isHeld(dir), false);
    const lines: string[] = [];
    using _missing = lockExecutable(new LineLog((line) => lines.push(line), "warn"), "portable", () => [`${dir}/none`]);
    assert.match(lines.join(), /the program's folder can't be locked/);
  } finally {
    await Deno.remove(dir);
  }
});
