import { strict as assert } from "node:assert";
import "../../sys/preopen.ts";
import { LineLog, SILENT_LOG } from "../../log.ts";
import { holdProgram } from "./executable_lock.ts";

const isHeld = async (folder: string) =>
  !(await new Deno.Command("flock", { args: ["-n", folder, "true"] }).output()).success;

Deno.test("an engine in the portable form holds its folders; others have none", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tsd-program-" });
  try {
    {
      using _held = holdProgram(SILENT_LOG, "portable", () => [folder]);
      assert.equal(await isHeld(folder), true);
    }
    using _none = holdProgram(SILENT_LOG, "compiled", () => [folder]);
    assert.equal(await isHeld(folder), false);
    const lines: string[] = [];
    using _missing = holdProgram(new LineLog((line) => lines.push(line), "warn"), "portable", () => [`${folder}/none`]);
    assert.match(lines.join(), /the program's folder can't be locked/);
  } finally {
    await Deno.remove(folder);
  }
});
