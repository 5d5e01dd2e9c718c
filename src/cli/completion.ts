/**
 * Completes a partial command line from the program's command table alone. For flag values and arguments it returns only
 * what is to be completed; the caller looks up the candidates.
 */
import type { Command, CommandRow, Program } from "./command.ts";
import { type FlagSpecs, takesValue } from "./flags.ts";

/** A word that can be inserted at the cursor, with a description. */
export interface Candidate {
  readonly text: string;
  readonly note: string;
}

/** What can be inserted at the cursor. */
export type Completion =
  /** One of these words. */
  | { readonly kind: "words"; readonly candidates: readonly Candidate[] }
  /** An argument, by its name in the command's usage: `CONTAINER`. `also`: words that are possible too. */
  | { readonly kind: "argument"; readonly command: string; readonly name: string; readonly also: readonly Candidate[] }
  /** The value of a flag; `prefix` precedes it in the same word (`--flag=`). */
  | { readonly kind: "value"; readonly command: string; readonly flag: string; readonly prefix: string };

type Commands<C> = Pick<Program<C>, "commands" | "groups" | "globalFlags">;

/**
 * Determines what can be inserted at the cursor.
 * @param words the words after the program's name; the last one is at the cursor and can be empty
 */
export async function completeLine<C>(program: Commands<C>, words: readonly string[]): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const globals = readFlags(program.globalFlags, words.slice(0, -1), true);
  if (globals.pending !== undefined) return { kind: "value", command: "", flag: globals.pending, prefix: "" };
  const typed = globals.args;
  if (typed.length === 0) {
    return oneOf(current.startsWith("-") ? flagStrings(program.globalFlags) : firstWords(program));
  }
  const found = find(program, typed);
  const members = typed.length === 1 ? memberNames(program, typed[0]) : [];
  if (found === undefined) return oneOf(members);
  const command = await found.row.load();
  return inCommand(command, found.name, typed.slice(found.name.split(" ").length), current, members);
}

const oneOf = (candidates: readonly Candidate[]): Completion => ({ kind: "words", candidates });

function inCommand<C>(
  { flags, flagsFirst = false, usage }: Command<C>,
  name: string,
  before: readonly string[],
  current: string,
  members: readonly Candidate[],
): Completion {
  const { pending, args, ended } = readFlags(flags, before, flagsFirst);
  if (pending !== undefined) return { kind: "value", command: name, flag: pending, prefix: "" };
  if (!ended && current.startsWith("-")) {
    const assigned = /^--([^=]+)=/.exec(current);
    const flag = assigned === null ? undefined : longName(flags, assigned[1]);
    if (assigned === null) return oneOf(flagStrings(flags));
    return flag === undefined ? oneOf([]) : { kind: "value", command: name, flag, prefix: assigned[0] };
  }
  const argument = argumentName(usage, args.length);
  if (argument === undefined) return oneOf(members);
  return { kind: "argument", command: name, name: argument, also: members };
}

/** Returns the name of the argument at `index` without brackets; a last argument with `...` repeats. */
function argumentName(usage: string, index: number): string | undefined {
  const names = usage.split(" ").filter((word) => word !== "" && word !== "[OPTIONS]");
  const name = names[index] ?? (names.at(-1)?.includes("...") ? names.at(-1) : undefined);
  return name?.replace(/^\[(.*)\]$/, "$1").replace(/\.\.\.$/, "");
}

function find<C>(
  { commands }: Commands<C>,
  typed: readonly string[],
): { row: CommandRow<C>; name: string } | undefined {
  for (const name of [typed.slice(0, 2).join(" "), typed[0]]) {
    const row = commands.find(({ names }) => names.includes(name));
    if (row !== undefined) return { row, name };
  }
  return undefined;
}

function firstWords<C>({ commands, groups }: Commands<C>): Candidate[] {
  return [
    ...listed(commands).filter(({ text }) => !text.includes(" ")),
    ...groups.map(({ name, summary }) => ({ text: name, note: summary })),
  ];
}

function memberNames<C>({ commands }: Commands<C>, first: string): Candidate[] {
  return listed(commands).filter(({ text }) => text.startsWith(`${first} `))
    .map(({ text, note }) => ({ text: text.slice(first.length + 1), note }));
}

const listed = <C>(commands: readonly CommandRow<C>[]): Candidate[] =>
  commands.filter(({ hidden }) => !hidden)
    .flatMap(({ names, summary }) => names.map((text) => ({ text, note: summary })));

function flagStrings(flags: FlagSpecs): Candidate[] {
  const shown = Object.entries(flags).filter(([, { hidden }]) => !hidden);
  return [...shown.map(([name, { help }]) => ({ text: `--${name}`, note: help })), {
    text: "--help",
    note: "Print usage",
  }];
}

/** The words before the cursor, parsed without reporting errors. */
interface ReadFlags {
  readonly args: readonly string[];
  /** The flag whose value is missing. */
  readonly pending: string | undefined;
  /** True if no flags can follow. */
  readonly ended: boolean;
}

function readFlags(flags: FlagSpecs, words: readonly string[], flagsFirst: boolean): ReadFlags {
  const args: string[] = [];
  let pending: string | undefined;
  let ended = false;
  for (const word of words) {
    if (pending !== undefined) pending = undefined;
    else if (ended || !word.startsWith("-") || word === "-") {
      args.push(word);
      ended ||= flagsFirst;
    } else if (word === "--") ended = true;
    else {pending = word.startsWith("--")
        ? pendingLongFlag(flags, word.slice(2))
        : pendingShortFlag(flags, word.slice(1));}
  }
  return { args, pending, ended };
}

const expectsValue = (flags: FlagSpecs, name: string | undefined): boolean =>
  name !== undefined && takesValue(flags[name]);

function pendingLongFlag(flags: FlagSpecs, typed: string): string | undefined {
  const name = longName(flags, typed);
  return expectsValue(flags, name) ? name : undefined;
}

function pendingShortFlag(flags: FlagSpecs, letters: string): string | undefined {
  for (const [index, letter] of [...letters].entries()) {
    const name = Object.keys(flags).find((each) => flags[each].short === letter);
    // The rest of the word is the value.
    if (expectsValue(flags, name)) return index === letters.length - 1 ? name : undefined;
  }
  return undefined;
}

function longName(flags: FlagSpecs, typed: string): string | undefined {
  if (Object.hasOwn(flags, typed)) return typed;
  return Object.keys(flags).find((name) => flags[name].aliases?.includes(typed));
}
