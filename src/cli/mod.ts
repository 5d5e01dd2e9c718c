/**
 * @module
 * A kernel for command lines that knows nothing of containers: commands are data (flags, arguments, examples), from which
 * parsing, help, suggestions and exit codes follow. Command lines are read as Go's pflag reads them, so that Docker's
 * users need not relearn. {@link Terminal} is the only way to the standard streams, the environment and signals.
 * Invariants: a command's code is loaded when it is called; an error is shown once, here, in one place.
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
