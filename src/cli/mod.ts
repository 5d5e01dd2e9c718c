/**
 * @module
 * A command-line framework, independent of containers. Commands are data (flags, arguments, examples), from which parsing,
 * help, suggestions, completion and exit codes are derived. Command lines are parsed as Go's pflag does, for compatibility
 * with the docker CLI. Commands access the standard streams, the environment and signals only through {@link Terminal}.
 * Invariants: a command's module is loaded only when the command is called; errors are printed once, by {@link dispatch}.
 */

export {
  type ArgumentCount,
  type Command,
  type CommandGroup,
  type CommandInput,
  type CommandRow,
  defaultExitCode,
  defineCommand,
  type Example,
  type Program,
} from "./command.ts";
export { DenoTerminal } from "./deno_terminal.ts";
export { dispatch } from "./dispatch.ts";
export type { FlagSpec, FlagSpecs, FlagValue, FlagValues, RefusedFlag } from "./flags.ts";
export { type ParsedLine, parseFlags } from "./parse_flags.ts";
export { printable, printableLine } from "./printable.ts";
export {
  exit,
  portableBuild,
  type ProgramResult,
  runProgram,
  startInBackground,
  subcommand,
  subcommandArguments,
  userId,
} from "./process.ts";
export { renderTable } from "./table.ts";
export { StatusError } from "./status_error.ts";
export { Prompt } from "./prompt.ts";
export {
  type CommandHost,
  ENDING_SIGNALS,
  type EndingSignal,
  NeedsProcessError,
  OUTPUT_CLOSED_EXIT,
  OutputClosedError,
  SignalledError,
  type StdStream,
  type Terminal,
  type TerminalSize,
} from "./terminal.ts";
export { humanBinarySize, humanDuration, humanSize, parseGoDuration } from "../units.ts";
export { UsageError } from "./usage_error.ts";
