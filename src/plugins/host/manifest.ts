/**
 * @module
 * What a plugin says of itself: checked here, as everything that comes from its process.
 */
import { TsdError } from "../../errors.ts";
import { checkPlugin } from "../loaded_plugin.ts";
import { ORDERS, type PluginOrder } from "../plugin.ts";
import { choice, flag, json, list, object, type ObjectSchema, optional, text, whole } from "../schema.ts";
import { check, conform } from "../validate.ts";
import { parseSchema } from "./schema_of_config.ts";

/** Kinds of permissions of a plugin's process, as Deno's flags call them. */
export const PROCESS_PERMISSIONS = ["net", "read", "write", "env"] as const;
/** Kinds of permissions that can be granted; nothing else can be. */
export const PERMISSION_KINDS = [...PROCESS_PERMISSIONS, "host"] as const;
export type PermissionKind = typeof PERMISSION_KINDS[number];

/** What of the host a plugin may put into containers at `container.create`. */
export const HOST_PARTS = ["binds", "devices", "hooks"] as const;

/** `net`: `host` or `host:port`; `read`, `write`: absolute paths; `env`: names of variables; `host`: {@link HOST_PARTS}. */
export type Permissions = Readonly<Partial<Record<PermissionKind, readonly string[]>>>;

/** What was checked of a plugin. */
export interface PluginManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly order: PluginOrder;
  /** What it should have been asked and couldn't counts as a refusal. */
  readonly required: boolean;
  readonly permissions: Permissions;
  /** Largest heap, in MiB. */
  readonly memoryMb: number;
  /** The shape of its settings. */
  readonly config: ObjectSchema;
  /** Names of the hooks that it wants, sorted. */
  readonly hooks: readonly string[];
}

const DEFAULT_MEMORY_MB = 64;
const MEMORY_MB = { least: 16, most: 1024 } as const;

const PERMISSIONS = object({
  net: optional(list(text("HOST or HOST:PORT"), "what it connects to")),
  read: optional(list(text("an absolute path"), "what it reads, with all below")),
  write: optional(list(text("an absolute path"), "what it writes, with all below")),
  env: optional(list(text("a name"), "variables of the engine's environment")),
  host: optional(list(text(`one of ${HOST_PARTS.join(", ")}`), "what of the host it puts into containers")),
}, "what it may do beside calling back");

const MANIFEST = object({
  name: text("small letters, digits, ., _ and -"),
  apiVersion: whole("1"),
  version: optional(text("its own version")),
  description: optional(text("what it does, in a sentence")),
  order: optional(choice(ORDERS, "before or behind the others")),
  required: optional(flag("whether steps fail that it can't be asked about")),
  permissions: optional(PERMISSIONS),
  memoryMb: optional(whole("largest heap, in MiB")),
  config: optional(json("the shape of its settings")),
  hooks: list(text("a name"), "the hooks that it wants"),
}, "a plugin");

/** Checks what a plugin says of itself. `known`: the hooks that there are. @throws {TsdError} invalid_argument */
export function parseManifest(said: unknown, known: readonly string[]): PluginManifest {
  const { name, apiVersion, version = "0.0.0", description = "", ...given } = conform(MANIFEST, said);
  const hooks = [...new Set(given.hooks)].sort();
  const handlers = Object.fromEntries(hooks.map((hook) => [hook, () => {}]));
  checkPlugin({ name, apiVersion: apiVersion as 1, hooks: handlers }, known);
  if (hooks.length === 0) throw wrong("it has no hooks, so nothing would ever call it");
  return {
    ...{ name, version, description, hooks },
    order: given.order ?? "normal",
    required: given.required ?? false,
    permissions: permissionsOf(given.permissions ?? {}),
    memoryMb: memoryOf(given.memoryMb ?? DEFAULT_MEMORY_MB),
    config: parseSchema(given.config ?? {}),
  };
}

/** Permissions in order, each once. @throws {TsdError} invalid_argument */
export function parsePermissions(said: unknown): Permissions {
  return permissionsOf(conform(PERMISSIONS, said, "permissions"));
}

/** Deno's flags separate values with commas: one in a value would make two of it. */
const SHAPES: Readonly<Record<PermissionKind, RegExp>> = {
  net: /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/,
  read: /^\/[^,\n]*$/,
  write: /^\/[^,\n]*$/,
  env: /^[A-Za-z_][A-Za-z0-9_]*$/,
  host: new RegExp(`^(?:${HOST_PARTS.join("|")})$`),
};

function permissionsOf(said: { readonly [K in PermissionKind]?: readonly string[] | undefined }): Permissions {
  const kinds = PERMISSION_KINDS.map((kind) => [kind, [...new Set(said[kind] ?? [])].sort()] as const);
  for (const [kind, values] of kinds) {
    const odd = values.find((value) => !SHAPES[kind].test(value));
    if (odd === undefined) continue;
    throw wrong(`permissions.${kind}: ${JSON.stringify(odd)} is not ${PERMISSIONS.fields[kind].of.about}`);
  }
  return Object.fromEntries(kinds.filter(([, values]) => values.length > 0));
}

function memoryOf(said: number): number {
  const { least, most } = MEMORY_MB;
  if (said >= least && said <= most) return said;
  throw wrong(`memoryMb is ${said}; give a whole number from ${least} to ${most}`);
}

/** The settings of a plugin as it gets them. @throws {TsdError} invalid_argument, naming the setting */
export function checkSettings({ config }: Pick<PluginManifest, "config">, given: unknown): Record<string, unknown> {
  return check(config, given) as Record<string, unknown>;
}

/** What is asked for and not granted. */
export function missingPermissions(requested: Permissions, granted: Permissions): Permissions {
  const missing = PERMISSION_KINDS.map((kind) =>
    [kind, (requested[kind] ?? []).filter((value) => !granted[kind]?.includes(value))] as const
  );
  return Object.fromEntries(missing.filter(([, values]) => values.length > 0));
}

const wrong = (what: string) => new TsdError("invalid_argument", what);
