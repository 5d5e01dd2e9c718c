import type { Command, CommandGroup, CommandRow, Program } from "./command.ts";
import type { FlagSpec, FlagSpecs } from "./flags.ts";

const WIDTH = 80;

/** Renders the help of the program: all commands and global flags. `moreFlags` are listed with the global flags. */
export function programHelp<C>(program: Program<C>, moreFlags: FlagSpecs): string {
  const plain = listed(program, (name) => !name.includes(" "));
  return [
    `Usage:  ${program.name} [OPTIONS] COMMAND\n`,
    `${program.summary}\n`,
    section("Commands:", columns(plain)),
    section("Management Commands:", columns(program.groups.map(({ name, summary }) => [name, summary]))),
    section("Global Options:", flagLines({ ...program.globalFlags, ...moreFlags })),
    `Run '${program.name} COMMAND --help' for more information on a command.\n`,
  ].filter((part) => part !== "").join("\n");
}

/** Renders the help of a group of commands. */
export function groupHelp<C>(program: Program<C>, group: CommandGroup): string {
  return [
    `Usage:  ${program.name} ${group.name} COMMAND\n`,
    `${group.summary}\n`,
    section("Commands:", columns(members(program, group.name))),
    `Run '${program.name} ${group.name} COMMAND --help' for more information on a command.\n`,
  ].join("\n");
}

/** Renders the help of the command called as `name`, with its subcommands (`daemon stop` of `daemon`), if any. */
export function commandHelp<C>(program: Program<C>, row: CommandRow<C>, name: string, command: Command<C>): string {
  const { name: programName } = program;
  const aliases = row.names.map((alias) => `${programName} ${alias}`).sort();
  const examples = command.examples.flatMap(({ note, line }) => [`  # ${note}`, `  ${programName} ${line}`]);
  return [
    `Usage:  ${programName} ${name}${command.usage === "" ? "" : ` ${command.usage}`}\n`,
    `${row.summary}\n`,
    row.names.length > 1 ? section("Aliases:", [`  ${aliases.join(", ")}`]) : "",
    section("Commands:", columns(members(program, name))),
    section("Options:", flagLines(command.flags)),
    section("Examples:", examples),
  ].filter((part) => part !== "").join("\n");
}

/** Returns the commands whose first word is `name`, without that word, and their summaries. */
function members<C>(program: Program<C>, name: string): [string, string][] {
  return listed(program, (each) => each.startsWith(`${name} `))
    .map(([each, summary]) => [each.slice(name.length + 1), summary]);
}

function listed<C>(program: Program<C>, fits: (name: string) => boolean): [string, string][] {
  const rows: [string, string][] = program.commands.filter(({ hidden }) => !hidden)
    .flatMap(({ names, summary }) => names.filter(fits).slice(0, 1).map((name): [string, string] => [name, summary]));
  return rows.sort(([a], [b]) => a < b ? -1 : 1);
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : `${title}\n${lines.join("\n")}\n`;

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(10, ...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
}

function flagLines(flags: FlagSpecs): string[] {
  const rows = Object.entries(flags).filter(([, { hidden }]) => !hidden).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, spec]): [string, string] => [flagHead(name, spec), spec.help + defaultText(spec)]);
  const width = Math.max(0, ...rows.map(([head]) => head.length)) + 3;
  return rows.flatMap(([head, text]) =>
    wrap(text, WIDTH - width).map((line, index) => (index === 0 ? head : "").padEnd(width) + line)
  );
}

function flagHead(name: string, spec: FlagSpec): string {
  return `  ${spec.short === undefined ? "   " : `-${spec.short},`} --${name}${valueText(spec)}`;
}

function valueText(spec: FlagSpec): string {
  if (spec.type === "bool" || spec.type === "refused") return "";
  return ` ${spec.type === "int" ? "int" : spec.valueName ?? (spec.type === "list" ? "list" : "string")}`;
}

function defaultText(spec: FlagSpec): string {
  if (
    spec.type === "list" || spec.type === "number" || spec.type === "refused" || spec.default === undefined ||
    spec.default === ""
  ) return "";
  return ` (default ${spec.type === "string" ? `"${spec.default}"` : spec.default})`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
