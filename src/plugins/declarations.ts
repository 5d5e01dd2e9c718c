/**
 * @module
 * Generates the type declarations for plugins: one `.d.ts` without imports, from the table of hooks, so that nothing
 * has to be
 * resolved online.
 */
import { HOOK_KINDS, HOOK_NAMES, type HookName, rowOf } from "./hooks.ts";
import { PLUGIN_API_VERSION } from "./plugin.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

const FIXED = `
/** Any value that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export type HookName = keyof HookContexts;

/** The plugin's own key-value store. tsd keeps it: at most 1000 keys, values of at most 64 KiB of JSON. */
export interface Storage {
  get(key: string): Promise<Json | undefined>;
  set(key: string, value: Json): Promise<void>;
  delete(key: string): Promise<void>;
  /** Keys that begin with \`prefix\`, in order. */
  list(prefix?: string): Promise<string[]>;
}

/** Lines for \`tsd plugin logs\`; the console goes there too. */
export interface Log {
  debug(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
}

export interface Tools {
  /** The settings that the administrator gave, in the shape of \`config\`. */
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

/** The shape of a setting. */
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
  /** Small letters, digits, ., _ and -. */
  readonly name: string;
  readonly apiVersion: ${PLUGIN_API_VERSION};
  readonly version?: string;
  readonly description?: string;
  /** Before or behind the others; normal if left out. */
  readonly order?: "pre" | "normal" | "post";
  /** Steps that it can't be asked about are refused; otherwise they go on without it. */
  readonly required?: boolean;
  /** What it may do beside being called; whoever installs it has to grant that. */
  readonly permissions?: {
    /** \`host\` or \`host:port\`. */
    readonly net?: readonly string[];
    /** Absolute paths, with all below. */
    readonly read?: readonly string[];
    readonly write?: readonly string[];
    /** Names of variables of the engine's environment. */
    readonly env?: readonly string[];
    /** What of the host it puts into containers at \`container.create\`. */
    readonly host?: readonly ("binds" | "devices" | "hooks")[];
  };
  /** Largest heap, in MiB; 64 if left out. */
  readonly memoryMb?: number;
  /** The shape of its settings, by name. */
  readonly config?: Readonly<Record<string, Setting>>;
  readonly hooks: { readonly [N in HookName]?: Handler<N> };
}
`;

/** Returns the whole file. */
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
