/**
 * @module
 * The messages between the engine and a plugin's process (framing: `frames.ts`). Messages from the process are not
 * trusted: {@link parseFromHost} validates all of them.
 */

/** A message of the engine. */
export type ToHost =
  /** The first message. `config`: the settings made by the administrator. */
  | { readonly kind: "load"; readonly id: number; readonly file: string; readonly config: unknown }
  | {
    readonly kind: "call";
    readonly id: number;
    readonly hook: string;
    readonly context: unknown;
    /** How long the engine waits, in ms. */
    readonly withinMs: number;
  }
  /** The reply to a `storage` message. */
  | { readonly kind: "stored"; readonly id: number; readonly value?: unknown; readonly error?: string };

export const STORAGE_ACTIONS = ["get", "set", "delete", "list"] as const;
export type StorageAction = typeof STORAGE_ACTIONS[number];

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type PluginLogLevel = typeof LOG_LEVELS[number];

/** A message of the plugin's process. */
export type FromHost =
  /** The reply to `load`, with the plugin's manifest, unchecked. */
  | { readonly kind: "loaded"; readonly id: number; readonly manifest: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly value?: unknown }
  /** A handler threw, or the file could not be loaded. */
  | { readonly kind: "thrown"; readonly id: number; readonly message: string }
  | { readonly kind: "log"; readonly level: PluginLogLevel; readonly message: string }
  | {
    readonly kind: "storage";
    readonly id: number;
    readonly action: StorageAction;
    readonly key: string;
    readonly value?: unknown;
  };

/** Maximum length of a message to a plugin in bytes: it may contain a whole request body in base64. */
export const TO_HOST_BYTES = 8 << 20;
/** Maximum length of a message from a plugin in bytes. */
export const FROM_HOST_BYTES = 1 << 20;

const isId = (value: unknown): value is number => Number.isSafeInteger(value);
const oneOf = <T extends string>(all: readonly T[], value: unknown): value is T => all.includes(value as T);

/** Validates a message; undefined if it is not a {@link FromHost}. */
export function parseFromHost(message: unknown): FromHost | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { kind, id, manifest, value, message: text, level, action, key } = message as Record<string, unknown>;
  if (kind === "log" && oneOf(LOG_LEVELS, level) && typeof text === "string") return { kind, level, message: text };
  if (!isId(id)) return undefined;
  if (kind === "loaded") return { kind, id, manifest };
  if (kind === "answer") return { kind, id, value };
  if (kind === "thrown" && typeof text === "string") return { kind, id, message: text };
  if (kind === "storage" && oneOf(STORAGE_ACTIONS, action) && typeof key === "string") {
    return { kind, id, action, key, value };
  }
  return undefined;
}
