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

/** What the caller is told, or "process". */
function admitted(
  hosted: CommandRow<CommandContext>["hosted"],
  command: Partial<Command<CommandContext>> = {},
  flags: Flags = {},
): readonly string[] | "process" {
  const told: string[] = [];
  const row = { names: ["x"], summary: "", load: () => Promise.resolve(plain), ...(hosted && { hosted }) };
  const needProcess = () => {
    throw new NeedsProcessError();
  };
  try {
    admit(row, { ...plain, ...command }, flags, { needProcess }, (line) => told.push(line));
    return told;
  } catch (thrown) {
    if (thrown instanceof NeedsProcessError) return "process";
    throw thrown;
  }
}

Deno.test("admit: what is in the table; what must not be done twice is said before", () => {
  assert.equal(admitted(undefined), "process");
  assert.deepEqual(admitted("again"), []);
  assert.deepEqual(admitted("once"), ["once 1"]);
  // As the command itself would end where its engine goes away.
  assert.deepEqual(admitted("once", { exitCode: () => 125 }), ["once 125"]);
});

Deno.test("admit: flags that take a process, if they are given", () => {
  const command = { ownProcessFor: ["interactive", "env-file", "name", "count"] };
  const notGiven: Flags[] = [
    {},
    { interactive: false, "env-file": [], name: undefined },
    { detach: true, env: ["A=1"] },
  ];
  for (const flags of notGiven) assert.deepEqual(admitted("again", command, flags), [], JSON.stringify(flags));
  const given: Flags[] = [{ interactive: true }, { "env-file": ["x"] }, { name: "" }, { count: 0 }];
  for (const flags of given) assert.equal(admitted("once", command, flags), "process", JSON.stringify(flags));
});

Deno.test("admit: commands name flags that they have", async () => {
  for (const row of COMMANDS) {
    const { ownProcessFor = [], flags } = await row.load();
    assert.deepEqual(ownProcessFor.filter((name) => !(name in flags)), [], row.names[0]);
    if (ownProcessFor.length > 0) assert.notEqual(row.hosted, undefined, row.names[0]);
  }
});

Deno.test("admit: a command that reads our input or writes files says so, or is never a host's", async () => {
  const files = ["interactive", "tty", "cidfile", "env-file", "label-file", "output", "input", "iidfile"];
  for (const row of COMMANDS.filter(({ hosted }) => hosted !== undefined)) {
    const { ownProcessFor = [], flags } = await row.load();
    // Of a container that is only made, it is a setting.
    const touching = row.names[0] === "create" ? files : [...files, "attach"];
    const open = touching.filter((name) => name in flags && !ownProcessFor.includes(name));
    assert.deepEqual(open, [], row.names[0]);
  }
});
