import { strict as assert } from "node:assert";
import { TsdError } from "../errors.ts";
import { type CommandRow, defineCommand, type Program } from "./command.ts";
import { dispatch } from "./dispatch.ts";
import { FakeTerminal } from "./terminal_testing.ts";
import { NeedsProcessError, OutputClosedError } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";

interface Fixture {
  readonly stove: string;
  readonly terminal: FakeTerminal;
}

const boil = defineCommand({
  usage: "[OPTIONS] FOOD [MINUTES]",
  args: { min: 1, max: 2 },
  flags: {
    salt: {
      type: "bool",
      short: "s",
      help: "Add salt, and so much of it that this help has to be broken into two lines",
    },
    in: { type: "string", default: "pot", valueName: "vessel", help: "What to boil it in" },
    secret: { type: "bool", hidden: true, help: "" },
  },
  examples: [{ line: "boil egg 10", note: "A hard egg" }],
  async run({ stove, terminal }: Fixture, { args, flags }) {
    await terminal.out(`${args.join("+")} in ${flags.in} on ${stove}${flags.salt ? " with salt" : ""}\n`);
    return 7;
  },
});

const failing = (thrown: unknown): CommandRow<Fixture> => ({
  names: ["fail"],
  summary: "Fail",
  load: () =>
    Promise.resolve(defineCommand({
      usage: "",
      args: { min: 0, max: 0 },
      flags: {},
      examples: [],
      run: (_: Fixture) => Promise.reject(thrown),
    })),
});

async function call(
  argv: string[],
  more: readonly CommandRow<Fixture>[] = [],
  admit?: NonNullable<Program<Fixture>["admit"]>,
) {
  const terminal = new FakeTerminal();
  const program: Program<Fixture> = {
    name: "cook",
    summary: "A kitchen on the command line",
    version: "1.2.3",
    globalFlags: { stove: { type: "string", short: "S", default: "gas", help: "Which stove" } },
    groups: [{ name: "pot", summary: "Manage pots" }],
    commands: [
      { names: ["boil", "pot boil"], summary: "Boil food", load: () => Promise.resolve(boil) },
      { names: ["pot wash"], summary: "Wash a pot", load: () => Promise.resolve(boil) },
      { names: ["ghost"], summary: "Unseen", hidden: true, load: () => Promise.resolve(boil) },
      ...more,
    ],
    context: (globals) => ({ stove: String(globals.stove), terminal }),
    ...(admit && { admit }),
  };
  const code = await dispatch(program, argv, terminal);
  return { code, out: terminal.stdout, err: terminal.stderr };
}

Deno.test("dispatch: a command gets its flags, arguments and the program's context", async () => {
  assert.deepEqual(await call(["-S", "wood", "boil", "-s", "egg", "10"]), {
    code: 7,
    out: "egg+10 in pot on wood with salt\n",
    err: "",
  });
  assert.equal((await call(["pot", "boil", "egg"])).out, "egg in pot on gas\n");
});

Deno.test("dispatch: unknown commands are refused with a suggestion", async () => {
  assert.deepEqual(await call(["biol", "egg"]), {
    code: 1,
    out: "",
    err: "cook: unknown command: cook biol\nDid you mean 'cook boil'?\nSee 'cook --help'.\n",
  });
  assert.equal((await call(["gost"])).err, "cook: unknown command: cook gost\nSee 'cook --help'.\n");
  assert.equal(
    (await call(["pot", "wahs"])).err,
    "cook: unknown command: cook pot wahs\nDid you mean 'cook pot wash'?\nSee 'cook pot --help'.\n",
  );
});

Deno.test("dispatch: unknown flags and wrong argument counts are refused", async () => {
  assert.deepEqual(await call(["boil", "--slat", "egg"]), {
    code: 125,
    out: "",
    err: "unknown flag: --slat\nDid you mean '--salt'?\nSee 'cook boil --help'.\n",
  });
  assert.deepEqual(await call(["boil"]), {
    code: 1,
    out: "",
    err: "cook: 'cook boil' requires at least 1 and at most 2 arguments\nSee 'cook boil --help'.\n",
  });
  assert.match(
    (await call(["boil", "1", "2", "3"])).err,
    /^cook: 'cook boil' requires at least 1 and at most 2 arguments\n/,
  );
  assert.match((await call(["fail", "x"], [failing(0)])).err, /^cook: 'cook fail' accepts no arguments\n/);
  assert.deepEqual(await call(["--foo", "boil"]), {
    code: 125,
    out: "",
    err: "unknown flag: --foo\nSee 'cook --help'.\n",
  });
});

Deno.test("dispatch: a failure prints one line and determines the exit code", async () => {
  const fail = async (thrown: unknown) => {
    const { code, err } = await call(["fail"], [failing(thrown)]);
    return [code, err];
  };
  assert.deepEqual(await fail(new TsdError("image_not_found", "No such image: x")), [1, "cook: No such image: x\n"]);
  assert.deepEqual(await fail(new TsdError("command_not_found", "exec")), [127, "cook: exec\n"]);
  assert.deepEqual(await fail(new TsdError("user_unknown", "no user a\nb\x1b[2J")), [
    1,
    "cook: no user a b\uFFFD[2J\n",
  ]);
  assert.deepEqual(await fail(new Error("bug")), [1, "cook: bug\n"]);
  assert.deepEqual(await fail(new UsageError("a and b conflict")), [
    125,
    "a and b conflict\nSee 'cook fail --help'.\n",
  ]);
  assert.deepEqual(await fail(new OutputClosedError()), [141, ""]);
});

Deno.test("dispatch: admit is called after a command line was parsed and before the command runs", async () => {
  const requested: unknown[] = [];
  const admit: Program<Fixture>["admit"] = (row, command, flags) => {
    requested.push([row.names[0], command === boil as unknown, flags.salt]);
  };
  assert.equal((await call(["boil", "-s", "egg"], [], admit)).code, 7);
  assert.deepEqual(requested.splice(0), [["boil", true, true]]);
  // Help and usage errors are the same with and without `admit`.
  for (const argv of [[], ["--version"], ["boil", "--help"], ["boil"], ["boil", "--slat"], ["biol"], ["pot"]]) {
    assert.deepEqual(await call(argv, [], admit), await call(argv));
  }
  assert.deepEqual(requested, []);
});

Deno.test("dispatch: a NeedsProcessError from admit or from a command is rethrown and not printed", async () => {
  const refuse = () => {
    throw new NeedsProcessError();
  };
  await assert.rejects(call(["boil", "egg"], [], refuse), NeedsProcessError);
  await assert.rejects(call(["fail"], [failing(new NeedsProcessError())]), NeedsProcessError);
});

Deno.test("dispatch: version and help", async () => {
  assert.equal((await call(["--version"])).out, "cook version 1.2.3\n");
  assert.equal((await call(["-v", "x"])).code, 0);
  const top = (await call([])).out;
  assert.equal(
    top,
    `Usage:  cook [OPTIONS] COMMAND

A kitchen on the command line

Commands:
  boil        Boil food

Management Commands:
  pot         Manage pots

Global Options:
  -S, --stove string   Which stove (default "gas")
  -v, --version        Print version information and quit

Run 'cook COMMAND --help' for more information on a command.
`,
  );
  assert.equal((await call(["--help"])).out, top);
  assert.equal((await call(["help"])).out, top);
  const pot = (await call(["pot"])).out;
  assert.match(
    pot,
    /^Usage: {2}cook pot COMMAND\n\nManage pots\n\nCommands:\n {2}boil {8}Boil food\n {2}wash {8}Wash a pot\n/,
  );
  assert.equal((await call(["pot", "--help"])).out, pot);
  assert.equal((await call(["help", "pot"])).out, pot);
});

Deno.test("dispatch: a command's help lists aliases, options and examples", async () => {
  const help = (await call(["boil", "egg", "--help"])).out;
  assert.equal(
    help,
    `Usage:  cook boil [OPTIONS] FOOD [MINUTES]

Boil food

Aliases:
  cook boil, cook pot boil

Options:
      --in vessel   What to boil it in (default "pot")
  -s, --salt        Add salt, and so much of it that this help has to be broken
                    into two lines

Examples:
  # A hard egg
  cook boil egg 10
`,
  );
  assert.equal((await call(["help", "boil"])).out, help);
});
