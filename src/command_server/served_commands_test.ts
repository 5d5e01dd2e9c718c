import { strict as assert } from "node:assert";
import { type Command, type CommandRow, defineCommand, NeedsProcessError } from "../cli/mod.ts";
import type { FlagValue } from "../cli/mod.ts";
import type { CommandContext } from "../commands/context.ts";
import { COMMANDS } from "../commands/table.ts";
import { admit } from "./served_commands.ts";

type Flags = Readonly<Record<string, FlagValue>>;

const plain = defineCommand({
  ...{ usage: "", args: { min: 0 }, flags: {}, examples: [] },
  run: (_: CommandContext) => Promise.resolve(0),
});

/** Returns the lines that the client is sent, or "process". */
function admitted(
  served: CommandRow<CommandContext>["served"],
  command: Partial<Command<CommandContext>> = {},
  flags: Flags = {},
): readonly string[] | "process" {
  const reported: string[] = [];
  const row = { names: ["x"], summary: "", load: () => Promise.resolve(plain), ...(served && { served }) };
  const needProcess = () => {
    throw new NeedsProcessError();
  };
  try {
    admit(row, { ...plain, ...command }, flags, { needProcess }, (line) => reported.push(line));
    return reported;
  } catch (thrown) {
    if (thrown instanceof NeedsProcessError) return "process";
    throw thrown;
  }
}

Deno.test("admit: served commands; those that must not run twice are announced", () => {
  assert.equal(admitted(undefined), "process");
  assert.deepEqual(admitted("idempotent"), []);
  assert.deepEqual(admitted("once"), ["once 1"]);
  // The exit code of the command itself if it loses its engine.
  assert.deepEqual(admitted("once", { exitCode: () => 125 }), ["once 125"]);
});

Deno.test("admit: flags that need a process, if given", () => {
  const command = { needsClientProcess: ["interactive", "env-file", "name", "count"] };
  const notGiven: Flags[] = [
    {},
    { interactive: false, "env-file": [], name: undefined },
    { detach: true, env: ["A=1"] },
  ];
  for (const flags of notGiven) assert.deepEqual(admitted("idempotent", command, flags), [], JSON.stringify(flags));
  const given: Flags[] = [{ interactive: true }, { "env-file": ["x"] }, { name: "" }, { count: 0 }];
  for (const flags of given) assert.equal(admitted("once", command, flags), "process", JSON.stringify(flags));
});

Deno.test("admit: needsClientProcess names existing flags", async () => {
  for (const row of COMMANDS) {
    const { needsClientProcess = [], flags } = await row.load();
    assert.deepEqual(needsClientProcess.filter((name) => !(name in flags)), [], row.names[0]);
    if (needsClientProcess.length > 0) assert.notEqual(row.served, undefined, row.names[0]);
  }
});

Deno.test("admit: commands that read input or write files declare it, or are not served", async () => {
  const files = ["interactive", "tty", "cidfile", "env-file", "label-file", "output", "input", "iidfile"];
  for (const row of COMMANDS.filter(({ served }) => served !== undefined)) {
    const { needsClientProcess = [], flags } = await row.load();
    // `create` only records the setting.
    const touching = row.names[0] === "create" ? files : [...files, "attach"];
    const open = touching.filter((name) => name in flags && !needsClientProcess.includes(name));
    assert.deepEqual(open, [], row.names[0]);
  }
});
