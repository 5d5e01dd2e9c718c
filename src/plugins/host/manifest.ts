/**
 * @module
 * Validates a plugin's manifest, which comes from its process and is not trusted.
 */
import { TsdError } from "../../errors.ts";
import { checkPlugin } from "../loaded_plugin.ts";
import { ORDERS, type PluginOrder } from "../plugin.ts";
import { choice, flag, json, list, object, type ObjectSchema, optional, text, whole } from "../schema.ts";
import { check, conform } from "../validate.ts";
import { parseSchema } from "./schema_of_config.ts";

/** Permissions of a plugin's process, named like Deno's flags. */
export const PROCESS_PERMISSIONS = ["net", "read", "write", "env"] as const;
/** All permissions that can be granted. */
export const PERMISSION_KINDS = [...PROCESS_PERMISSIONS, "host"] as const;
export type PermissionKind = typeof PERMISSION_KINDS[number];

/** Kinds of host resources that a plugin may add to containers at `container.create`. */
export const HOST_PARTS = ["binds", "devices", "hooks"] as const;

/**
 * Granted or requested values by permission. `net`: `host` or `host:port`; `read`, `write`: absolute paths; `env`:
 * names of variables; `host`: {@link HOST_PARTS}.
 */
export type Permissions = Readonly<Partial<Record<PermissionKind, readonly string[]>>>;

/** A validated manifest. */
export interface PluginManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly order: PluginOrder;
  /** Whether a step is refused if the plugin can't be called. */
  readonly required: boolean;
  readonly permissions: Permissions;
  /** Maximum size of the heap in MiB. */
  readonly memoryMb: number;
  /** Schema of the settings. */
  readonly config: ObjectSchema;
  /** Names of the hooks with handlers, sorted. */
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

/**
 * Validates a manifest.
 * @param known names of all hooks
 * @throws {TsdError} invalid_argument
 */
export function parseManifest(value: unknown, known: readonly string[]): PluginManifest {
  const { name, apiVersion, version = "0.0.0", description = "", ...given } = conform(MANIFEST, value);
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

/**
 * Validates permissions, sorts them and removes duplicates.
 * @throws {TsdError} invalid_argument
 */
export function parsePermissions(value: unknown): Permissions {
  return permissionsOf(conform(PERMISSIONS, value, "permissions"));
}

/** Deno's flags separate values with commas, so a value must not contain one. */
const SHAPES: Readonly<Record<PermissionKind, RegExp>> = {
  net: /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/,
  read: /^\/[^,\n]*$/,
  write: /^\/[^,\n]*$/,
  env: /^[A-Za-z_][A-Za-z0-9_]*$/,
  host: new RegExp(`^(?:${HOST_PARTS.join("|")})$`),
};

function permissionsOf(requested: { readonly [K in PermissionKind]?: readonly string[] | undefined }): Permissions {
  const kinds = PERMISSION_KINDS.map((kind) => [kind, [...new Set(requested[kind] ?? [])].sort()] as const);
  for (const [kind, values] of kinds) {
    const invalid = values.find((value) => !SHAPES[kind].test(value));
    if (invalid === undefined) continue;
    throw wrong(`permissions.${kind}: ${JSON.stringify(invalid)} is not ${PERMISSIONS.fields[kind].of.about}`);
  }
  return Object.fromEntries(kinds.filter(([, values]) => values.length > 0));
}

function memoryOf(megabytes: number): number {
  const { least, most } = MEMORY_MB;
  if (megabytes >= least && megabytes <= most) return megabytes;
  throw wrong(`memoryMb is ${megabytes}; give a whole number from ${least} to ${most}`);
}

/**
 * Validates a plugin's settings.
 * @throws {TsdError} invalid_argument, naming the setting
 */
export function checkSettings({ config }: Pick<PluginManifest, "config">, given: unknown): Record<string, unknown> {
  return check(config, given) as Record<string, unknown>;
}

/** Returns the requested permissions that are not granted. */
export function missingPermissions(requested: Permissions, granted: Permissions): Permissions {
  const missing = PERMISSION_KINDS.map((kind) =>
    [kind, (requested[kind] ?? []).filter((value) => !granted[kind]?.includes(value))] as const
  );
  return Object.fromEntries(missing.filter(([, values]) => values.length > 0));
}

const wrong = (what: string) => new TsdError("invalid_argument", what);
