/**
 * @module
 * Renders the table of hooks as Markdown (docs/hooks.md).
 */
import { HOOK_KINDS, HOOK_NAMES, type HookName, ON_FAILURE, rowOf } from "./hooks.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

/** Maximum length of a line of prose. */
const WIDTH = 120;

const INTRODUCTION = `
A plugin is a plain object with a handler for each hook that it subscribes to. Each hook has a kind, which defines the
meaning of an answer, and a deadline. The context of a call is a frozen copy, made only if the hook has subscribers. This page
is generated from the table in \`src/plugins/hooks.ts\` (\`./dev golden hooks_doc\` regenerates it).
`;

const AFTERWARDS = `
A call fails if the handler throws, misses the deadline, or answers with the wrong shape. After five failures in a row the
plugin is disabled, which is reported in the engine's log and by \`tsd info\`; if the plugin is \`required\`, or the hook's
failure mode is \`closed\`, steps are refused while it is disabled. Plugins are called in the order \`pre\`, \`normal\`,
\`post\`; within each, built-in plugins come first, then those from files in the order of their first installation. A plugin
that is replaced keeps its position.

When a plugin is loaded, or the engine is restarted, the plugin gets \`container.started\` with \`replayed: true\` for each
running container.
`;

/** Returns the whole page. */
export function hooksPage(): string {
  const kinds = Object.entries(HOOK_KINDS).map(([kind, text]) => `- \`${kind}\`: ${text}`);
  const failures = Object.entries(ON_FAILURE).map(([name, text]) => `- \`${name}\`: ${text}`);
  const rows = HOOK_NAMES.map((hook) => {
    const { kind, deadlineMs, onFailure, since } = rowOf(hook);
    return [`[\`${hook}\`](#${anchor(hook)})`, kind, `${deadlineMs / 1000} s`, onFailure, since];
  });
  const parts = [
    "# Hooks",
    paragraphs(INTRODUCTION),
    table(["hook", "kind", "deadline", "failure", "since"], rows),
    "Kinds:",
    kinds.map(wrapItem).join("\n"),
    "Failure:",
    failures.map(wrapItem).join("\n"),
    paragraphs(AFTERWARDS),
    ...HOOK_NAMES.flatMap(section),
  ];
  return parts.join("\n\n") + "\n";
}

function section(hook: HookName): string[] {
  const { kind, when, context, answer } = rowOf(hook);
  const given = ["Context:", table(["field", "type", ""], fieldsOf(context))];
  const parts = [`## ${hook}`, wrap(when, ""), ...given];
  if (answer === undefined || kind === "sequential") return parts;
  if (answer.type === "object") return [...parts, "Answer:", table(["field", "type", ""], fieldsOf(answer))];
  return [...parts, `Answer: ${typeName(answer)}. ${answer.about}`];
}

/** Lists all fields; nested ones as `outer.inner`. */
function fieldsOf({ fields }: ObjectSchema, before = ""): string[][] {
  return Object.entries(fields).flatMap(([name, schema]) => {
    const path = `${before}${name}`;
    const optional = schema.optional ? ", optional" : "";
    return [[`\`${path}\``, typeName(schema) + optional, schema.about], ...insideOf(schema, path)];
  });
}

function insideOf(schema: Schema, path: string): string[][] {
  if (schema.type === "object") return fieldsOf(schema, `${path}.`);
  if (schema.type === "list" && schema.of.type === "object") return fieldsOf(schema.of, `${path}[].`);
  return [];
}

function typeName(schema: Schema): string {
  switch (schema.type) {
    case "list":
      return `list of ${schema.of.type === "object" ? "objects" : typeName(schema.of)}`;
    case "map":
      return `map of ${typeName(schema.of)}`;
    case "choice":
      return schema.words.map((word) => `\`${word}\``).join(" or ");
    case "whole":
      return "whole number";
    case "flag":
      return "boolean";
    case "json":
      return "any JSON";
    default:
      return schema.type;
  }
}

/** Formats a table like `deno fmt`: each column is as wide as its widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, at) => Math.max(3, name.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

const anchor = (hook: string) => hook.toLowerCase().replaceAll(".", "");

const paragraphs = (text: string) =>
  text.trim().split("\n\n").map((each) => wrap(each.replaceAll("\n", " "), "")).join("\n\n");

const wrapItem = (item: string) => wrap(item, "  ");

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
