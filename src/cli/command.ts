import type { TsdError } from "../errors.ts";
import type { FlagSpecs, FlagValue, FlagValues } from "./flags.ts";

/** How many arguments a command takes; no `max` is any number. */
export interface ArgumentCount {
  readonly min: number;
  readonly max?: number;
}

/** One line of a command's help that can be typed as it is, after the program's name. */
export interface Example {
  readonly line: string;
  readonly note: string;
}

/** A command as the kernel sees it. `C` is what the program gives its commands. */
export interface Command<C> {
  /** What follows the command's name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly usage: string;
  readonly args: ArgumentCount;
  readonly flags: FlagSpecs;
  /** The first argument ends the flags, because what follows belongs to another program. */
  readonly flagsFirst?: boolean;
  readonly examples: readonly Example[];
  /** The exit code of a failure; see {@link defaultExitCode}. */
  readonly exitCode?: (error: TsdError) => number;
  /** Flags that take a process of the command's own, whoever else could do it. */
  readonly needsClientProcess?: readonly string[];
  /** Resolves to the exit code. */
  run(context: C, input: CommandInput<FlagSpecs>): Promise<number>;
}

/** What a command is called with. */
export interface CommandInput<F extends FlagSpecs> {
  readonly args: readonly string[];
  readonly flags: FlagValues<F>;
}

/** A command whose `run` sees its flags with their types. */
export interface CommandDefinition<C, F extends FlagSpecs> extends Omit<Command<C>, "flags" | "run"> {
  readonly flags: F;
  run(context: C, input: CommandInput<F>): Promise<number>;
}

/** Declares a command. `C` comes from the annotation of `run`'s first parameter. */
export function defineCommand<C, const F extends FlagSpecs>(definition: CommandDefinition<C, F>): Command<C> {
  return {
    ...definition,
    // The parser fills in a value of the right type for every flag in `flags`.
    run: (context, { args, flags }) => definition.run(context, { args, flags: flags as FlagValues<F> }),
  };
}

/** One row of a program's table. The command itself is loaded when it is called. */
export interface CommandRow<C> {
  /** Ways to call it (`ps`, `container ls`), the first is the one that help lists. */
  readonly names: readonly string[];
  readonly summary: string;
  /** Not listed. */
  readonly hidden?: boolean;
  /** A host can do it, which changes something (`once`), or which can as well be done again (`again`). */
  readonly served?: "once" | "idempotent";
  load(): Promise<Command<C>>;
}

/** The first word of some commands: `image` of `image ls`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
}

/** A program: its name and its commands. */
export interface Program<C> {
  readonly name: string;
  readonly summary: string;
  readonly version: string;
  /** Flags before the command, beside `--help` and `--version`. */
  readonly globalFlags: FlagSpecs;
  readonly groups: readonly CommandGroup[];
  readonly commands: readonly CommandRow<C>[];
  /** Loads a command in the place of its row. */
  load?(row: CommandRow<C>): Promise<Command<C>>;
  /** Called once a command line was understood, before anything is done. @throws {NeedsProcessError} */
  admit?(row: CommandRow<C>, command: Command<C>, flags: Readonly<Record<string, FlagValue>>): void;
  /** Makes what commands get, then. */
  context(globals: Readonly<Record<string, FlagValue>>): C;
}

/** 126 and 127 (of a command in a container), 130 (cancelled) and usage errors keep their codes; the rest is 1. */
export function defaultExitCode({ code, meaning }: TsdError): number {
  const keeps = code === "command_not_found" || code === "command_not_executable" || code === "usage" ||
    code === "cancelled";
  return keeps ? meaning.exit : 1;
}
