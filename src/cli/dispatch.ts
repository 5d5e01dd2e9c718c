import { toTsdError } from "../errors.ts";
import { type Command, type CommandRow, defaultExitCode, type Program } from "./command.ts";
import type { FlagSpecs } from "./flags.ts";
import { parseFlags } from "./parse_flags.ts";
import { StatusError } from "./status_error.ts";
import { printable, printableLine } from "./printable.ts";
import { nearest } from "./suggest.ts";
import { NeedsProcessError, OUTPUT_CLOSED_EXIT, OutputClosedError, SignalledError, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Runs one command line and resolves to its exit code. This is the only place where errors are printed.
 * @throws {NeedsProcessError} on a terminal with a host, if the command requires the client's own process
 */
export async function dispatch<C>(program: Program<C>, argv: readonly string[], terminal: Terminal): Promise<number> {
  // The command in "See '… --help'"; narrowed once the command is found.
  const current: CurrentCommand = { path: program.name, exitCode: defaultExitCode };
  try {
    try {
      return await run(program, argv, terminal, current);
    } catch (thrown) {
      if (isControlFlow(thrown)) throw thrown;
      return await fail(program.name, thrown, current, terminal);
    }
  } catch (thrown) {
    if (thrown instanceof OutputClosedError) return OUTPUT_CLOSED_EXIT;
    if (thrown instanceof SignalledError) return thrown.exitCode;
    throw thrown;
  }
}

const isControlFlow = (thrown: unknown): boolean =>
  [OutputClosedError, SignalledError, NeedsProcessError].some((kind) => thrown instanceof kind);

interface CurrentCommand {
  path: string;
  exitCode: NonNullable<Command<unknown>["exitCode"]>;
}

const VERSION_FLAG: FlagSpecs = {
  version: { type: "bool", short: "v", help: "Print version information and quit" },
};

async function run<C>(
  program: Program<C>,
  argv: readonly string[],
  terminal: Terminal,
  current: CurrentCommand,
): Promise<number> {
  const global = parseFlags({ ...program.globalFlags, ...VERSION_FLAG }, argv, { flagsFirst: true });
  if (global.flags.version) {
    await terminal.out(`${program.name} version ${program.version}\n`);
    return 0;
  }
  const words = global.args[0] === "help" ? global.args.slice(1) : global.args;
  const requestsHelp = global.help || words.length === 0 || global.args[0] === "help";
  const found = words.length === 0 ? undefined : find(program, words);
  if (found === undefined) return await groupOrProgramHelp(program, words, terminal);
  const { row, name } = found;
  current.path = `${program.name} ${name}`;
  const command = await (program.load?.(row) ?? row.load());
  current.exitCode = command.exitCode ?? defaultExitCode;
  const { args, flags, help } = parseFlags(command.flags, words.slice(name.split(" ").length), command);
  if (help || requestsHelp) {
    const { commandHelp } = await import("./help.ts");
    await terminal.out(commandHelp(program, row, name, command));
    return 0;
  }
  checkArguments(program.name, current.path, command, args);
  program.admit?.(row, command, flags);
  return await command.run(program.context(global.flags), { args, flags });
}

function find<C>(program: Program<C>, words: readonly string[]): { row: CommandRow<C>; name: string } | undefined {
  const names = [words.slice(0, 2).join(" "), words[0]];
  for (const name of names) {
    const row = program.commands.find((candidate) => candidate.names.includes(name));
    if (row !== undefined) return { row, name };
  }
  return undefined;
}

async function groupOrProgramHelp<C>(program: Program<C>, words: readonly string[], terminal: Terminal) {
  const { groupHelp, programHelp } = await import("./help.ts");
  const [first, second] = words;
  if (first === undefined) {
    await terminal.out(programHelp(program, VERSION_FLAG));
    return 0;
  }
  const group = program.groups.find(({ name }) => name === first);
  if (group === undefined) throw unknownCommand(program, program.name, first, "");
  if (second !== undefined && second !== "--help" && second !== "-h") {
    throw unknownCommand(program, `${program.name} ${first}`, second, `${first} `);
  }
  await terminal.out(groupHelp(program, group));
  return 0;
}

function unknownCommand<C>(program: Program<C>, path: string, word: string, prefix: string): UsageErrorAt {
  const listed = program.commands.filter(({ hidden }) => !hidden).flatMap(({ names }) => names)
    .filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
    .filter((name) => !name.includes(" "));
  const candidates = prefix === "" ? [...listed, ...program.groups.map(({ name }) => name)] : listed;
  const near = nearest(word, candidates);
  const message = `${program.name}: unknown command: ${path} ${word}`;
  return new UsageErrorAt(path, message, near && `${path} ${near}`);
}

/** A usage error with the path of the command whose help to point to. */
class UsageErrorAt extends UsageError {
  constructor(readonly path: string, message: string, didYouMean: string | undefined) {
    super(message, { exitCode: 1, didYouMean });
  }
}

function checkArguments<C>(name: string, path: string, { args: { min, max } }: Command<C>, args: readonly string[]) {
  const count = args.length;
  if (count >= min && (max === undefined || count <= max)) return;
  const plural = (number: number) => `${number} argument${number === 1 ? "" : "s"}`;
  const requirement = max === 0
    ? "accepts no arguments"
    : min === max
    ? `requires ${plural(min)}`
    : min > 0 && max !== undefined
    ? `requires at least ${min} and at most ${plural(max)}`
    : count < min
    ? `requires at least ${plural(min)}`
    : `requires at most ${plural(max ?? 0)}`;
  throw new UsageError(`${name}: '${path}' ${requirement}`, { exitCode: 1 });
}

async function fail(name: string, thrown: unknown, current: CurrentCommand, terminal: Terminal): Promise<number> {
  if (thrown instanceof UsageError) {
    const hint = thrown.didYouMean === undefined ? "" : `Did you mean '${thrown.didYouMean}'?\n`;
    const path = thrown instanceof UsageErrorAt ? thrown.path : current.path;
    await terminal.err(`${printable(thrown.message)}\n${hint}See '${path} --help'.\n`);
    return thrown.exitCode;
  }
  if (thrown instanceof StatusError) {
    await terminal.err(`${printable(thrown.message)}\n`);
    return thrown.exitCode;
  }
  const error = toTsdError(thrown);
  await terminal.err(`${name}: ${printableLine(error.message)}\n`);
  return current.exitCode(error);
}
