/**
 * @module
 * What a plugin's author imports the types from: one `.d.ts` without imports, made from the table of hooks, so that nothing
 * has to be resolved online.
 */
import { HOOK_KINDS, HOOK_NAMES, type HookName, rowOf } from "./hooks.ts";
import { ORDERS, PLUGIN_API_VERSION } from "./plugin.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

const FIXED = `
/** Any value that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** The shape of a plugin's configuration, as data. */
export type Schema =
  & { readonly about: string; readonly optional?: boolean }
  & (
    | { readonly type: "text" | "whole" | "flag" | "json" }
    | { readonly type: "choice"; readonly words: readonly string[] }
    | { readonly type: "list" | "map"; readonly of: Schema }
    | { readonly type: "object"; readonly fields: Readonly<Record<string, Schema>> }
  );

/** Values that may stand behind a message. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Goes to the engine's log, under the plugin's name. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** The plugin's own, kept by the engine: at most 1000 keys, values of at most 64 KiB. */
export interface PluginStorage {
  get(key: string): Promise<Json | undefined>;
  set(key: string, value: Json): Promise<void>;
  /** Says whether it was there. */
  delete(key: string): Promise<boolean>;
  /** Names that begin with \`prefix\`, in order. */
  list(prefix?: string): Promise<readonly string[]>;
}

/** What a handler has besides the context. */
export interface HookTools {
  /** Aborted at the hook's deadline. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly storage: PluginStorage;
  /** It has the shape that the plugin's \`config\` says. */
  readonly config: Json;
}

/** What a plugin does at a hook. Nothing is always an answer. */
export type HookHandler<N extends keyof HookContexts> = (
  context: HookContexts[N],
  tools: HookTools,
) => HookAnswers[N] | null | void | Promise<HookAnswers[N] | null | void>;

/** A plugin. */
export interface Plugin {
  /** Small letters, digits, \`-\`, \`_\` and \`.\`. */
  readonly name: string;
  readonly apiVersion: ${PLUGIN_API_VERSION};
  /** \`normal\` if left out. */
  readonly order?: ${ORDERS.map((order) => JSON.stringify(order)).join(" | ")};
  /** Steps that it can't be asked about are refused. */
  readonly required?: boolean;
  /** The shape of its configuration; without one it has none. */
  readonly config?: Schema;
  readonly hooks: { readonly [N in keyof HookContexts]?: HookHandler<N> };
}
`;

/** The whole file. */
export function pluginDeclarations(): string {
  return [
    `// Types for plugins of tsd, version ${PLUGIN_API_VERSION} of the interface.`,
    FIXED.trim(),
    `/** What each hook is given. */\nexport interface HookContexts ${members(contextOf)}`,
    `/** What plugins answer at each hook. */\nexport interface HookAnswers ${members(answerOf)}`,
  ].join("\n\n") + "\n";
}

function members(member: (hook: HookName) => string): string {
  return `{\n${HOOK_NAMES.map(member).join("\n")}\n}`;
}

function contextOf(hook: HookName): string {
  const { kind, when, deadlineMs, context } = rowOf(hook);
  const about = `${when} ${HOOK_KINDS[kind]} Deadline: ${deadlineMs / 1000} s.`;
  return `  /** ${about} */\n  readonly ${JSON.stringify(hook)}: ${typeOf(context, "  ")};`;
}

function answerOf(hook: HookName): string {
  const { answer } = rowOf(hook);
  return `  readonly ${JSON.stringify(hook)}: ${answer === undefined ? "never" : typeOf(answer, "  ")};`;
}

function typeOf(schema: Schema, indent: string): string {
  switch (schema.type) {
    case "text":
      return "string";
    case "whole":
      return "number";
    case "flag":
      return "boolean";
    case "json":
      return "Json";
    case "choice":
      return schema.words.map((word) => JSON.stringify(word)).join(" | ");
    case "list":
      return `readonly (${typeOf(schema.of, indent)})[]`;
    case "map":
      return `Readonly<Record<string, ${typeOf(schema.of, indent)}>>`;
    case "object":
      return fieldsOf(schema, indent);
  }
}

function fieldsOf({ fields }: ObjectSchema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(fields).map(([name, schema]) => {
    const about = schema.about === "" ? "" : `${inner}/** ${schema.about} */\n`;
    return `${about}${inner}readonly ${name}${schema.optional ? "?" : ""}: ${typeOf(schema, inner)};`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}
