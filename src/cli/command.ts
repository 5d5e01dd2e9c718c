import type { TsdError } from "../errors.ts";
import type { FlagSpecs, FlagValue, FlagValues } from "./flags.ts";

/** The number of positional arguments that a command accepts; without `max` it is unlimited. */
export interface ArgumentCount {
  readonly min: number;
  readonly max?: number;
}

/** An example in a command's help. `line` is a complete command line without the program's name. */
export interface Example {
  readonly line: string;
  readonly note: string;
}

/** A command, independent of the types of its flags. `C` is the context that the program passes to its commands. */
export interface Command<C> {
  /** The synopsis after the command's name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly usage: string;
  readonly args: ArgumentCount;
  readonly flags: FlagSpecs;
  /** Flag parsing stops at the first argument, because the rest belongs to another program. */
  readonly flagsFirst?: boolean;
  readonly examples: readonly Example[];
  /** Returns the exit code for a failure. Default: {@link defaultExitCode}. */
  readonly exitCode?: (error: TsdError) => number;
  /** Flags that require the client's own process: a command line with one of them is never run by a command server. */
  readonly needsClientProcess?: readonly string[];
  /** Runs the command and resolves to its exit code. */
  run(context: C, input: CommandInput<FlagSpecs>): Promise<number>;
}

/** A command's parsed arguments and flags. */
export interface CommandInput<F extends FlagSpecs> {
  readonly args: readonly string[];
  readonly flags: FlagValues<F>;
}

/** A command whose `run` receives typed flag values. */
export interface CommandDefinition<C, F extends FlagSpecs> extends Omit<Command<C>, "flags" | "run"> {
  readonly flags: F;
  run(context: C, input: CommandInput<F>): Promise<number>;
}

/** Declares a command. `C` is inferred from the annotation of `run`'s first parameter. */
export function defineCommand<C, const F extends FlagSpecs>(definition: CommandDefinition<C, F>): Command<C> {
  return {
    ...definition,
    // The parser sets a value of the declared type for every flag in `flags`.
    run: (context, { args, flags }) => definition.run(context, { args, flags: flags as FlagValues<F> }),
  };
}

/** One row of a program's command table. The command's module is loaded only when the command is called. */
export interface CommandRow<C> {
  /** The command's names (`ps`, `container ls`). Help lists the first. */
  readonly names: readonly string[];
  readonly summary: string;
  /** Omitted from help, completion and suggestions. */
  readonly hidden?: boolean;
  /**
   * Set if a command server can run the command in place of the client's process. `idempotent`: repeating it after a lost
   * connection is safe; `once`: it changes state and must not be repeated.
   */
  readonly served?: "once" | "idempotent";
  load(): Promise<Command<C>>;
}

/** The first word of two-word commands: `image` in `image ls`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
}

/** A program: its name and its commands. */
export interface Program<C> {
  readonly name: string;
  readonly summary: string;
  readonly version: string;
  /** Flags before the command, in addition to `--help` and `--version`. */
  readonly globalFlags: FlagSpecs;
  readonly groups: readonly CommandGroup[];
  readonly commands: readonly CommandRow<C>[];
  /** Loads a command; replaces `row.load()`. */
  load?(row: CommandRow<C>): Promise<Command<C>>;
  /** Called after a command line was parsed and before the command runs. @throws {NeedsProcessError} */
  admit?(row: CommandRow<C>, command: Command<C>, flags: Readonly<Record<string, FlagValue>>): void;
  /** Creates the context of a command from the global flags, after `admit`. */
  context(globals: Readonly<Record<string, FlagValue>>): C;
}

/**
 * Returns the exit code for a failure: 126 and 127 (of a command in a container), 130 (cancelled) and the code of usage
 * errors are kept; every other failure is 1.
 */
export function defaultExitCode({ code, meaning }: TsdError): number {
  const keeps = code === "command_not_found" || code === "command_not_executable" || code === "usage" ||
    code === "cancelled";
  return keeps ? meaning.exit : 1;
}
