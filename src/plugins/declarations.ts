/**
 * @module
 * Generates the type declarations for plugins: one `.d.ts` without imports, from the table of hooks, so that nothing
 * has to be resolved online.
 */
import { HOOK_KINDS, HOOK_NAMES, type HookName, rowOf } from "./hooks.ts";
import { PLUGIN_API_VERSION } from "./plugin.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

const FIXED = `
/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export type HookName = keyof HookContexts;

/** The plugin's key-value store, kept by tsd: at most 1000 keys, with values of at most 64 KiB of JSON. */
export interface Storage {
  get(key: string): Promise<Json | undefined>;
  set(key: string, value: Json): Promise<void>;
  delete(key: string): Promise<void>;
  /** Returns the keys that begin with \`prefix\`, sorted. */
  list(prefix?: string): Promise<string[]>;
}

/** Writes to \`tsd plugin logs\`, as the console does. */
export interface Log {
  debug(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
}

export interface Tools {
  /** The settings made by the administrator, validated by \`config\`. */
  readonly config: Readonly<Record<string, any>>;
  readonly storage: Storage;
  readonly log: Log;
  /** Aborted shortly before the deadline, at which the process is killed: for \`fetch(url, { signal })\` and the like. */
  readonly signal: AbortSignal;
}

type Awaitable<T> = T | Promise<T>;

export type Handler<N extends HookName> = (
  context: HookContexts[N],
  tools: Tools,
) => Awaitable<HookAnswers[N] | null | undefined | void>;

/** The schema of a setting. */
export type Setting =
  & { readonly about?: string; readonly optional?: boolean }
  & (
    | { readonly type: "text" | "whole" | "flag" | "json" }
    | { readonly type: "choice"; readonly words: readonly string[] }
    | { readonly type: "list" | "map"; readonly of: Setting }
    | { readonly type: "object"; readonly fields: Readonly<Record<string, Setting>> }
  );

/** A plugin: the default export of its file. */
export interface Plugin {
  /** Lower-case letters, digits, ., _ and -. */
  readonly name: string;
  readonly apiVersion: ${PLUGIN_API_VERSION};
  readonly version?: string;
  readonly description?: string;
  /** Called before or after the others; normal if omitted. */
  readonly order?: "pre" | "normal" | "post";
  /** Whether steps are refused if the plugin can't be called; otherwise they continue without it. */
  readonly required?: boolean;
  /** Permissions that the plugin needs; they have to be granted when it is installed. */
  readonly permissions?: {
    /** \`host\` or \`host:port\`. */
    readonly net?: readonly string[];
    /** Absolute paths, including everything below. */
    readonly read?: readonly string[];
    readonly write?: readonly string[];
    /** Names of environment variables of the engine. */
    readonly env?: readonly string[];
    /** Host resources that it adds to containers at \`container.create\`. */
    readonly host?: readonly ("binds" | "devices" | "hooks")[];
  };
  /** Maximum heap size in MiB; 64 if omitted. */
  readonly memoryMb?: number;
  /** Schemas of its settings by name. */
  readonly config?: Readonly<Record<string, Setting>>;
  readonly hooks: { readonly [N in HookName]?: Handler<N> };
}
`;

/** Returns the whole file. */
export function pluginDeclarations(): string {
  return [
    `// Types for plugins of tsd, version ${PLUGIN_API_VERSION} of the interface.`,
    FIXED.trim(),
    `/** Contexts by hook. */\nexport interface HookContexts ${members(contextOf)}`,
    `/** Answers by hook. */\nexport interface HookAnswers ${members(answerOf)}`,
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
