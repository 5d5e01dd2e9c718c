/**
 * @module
 * What the engine and a plugin's process say to each other (see `frames.ts`). Nothing that comes from the process is
 * trusted: {@link parseFromHost} is the only way in.
 */

/** From the engine. */
export type ToHost =
  /** The first one. `config`: what the administrator has set. */
  | { readonly kind: "load"; readonly id: number; readonly file: string; readonly config: unknown }
  | {
    readonly kind: "call";
    readonly id: number;
    readonly hook: string;
    readonly context: unknown;
    /** How long the engine waits. */
    readonly withinMs: number;
  }
  /** An answer to a `storage`. */
  | { readonly kind: "stored"; readonly id: number; readonly value?: unknown; readonly error?: string };

export const STORAGE_ACTIONS = ["get", "set", "delete", "list"] as const;
export type StorageAction = typeof STORAGE_ACTIONS[number];

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type PluginLogLevel = typeof LOG_LEVELS[number];

/** From the process. */
export type FromHost =
  /** To a `load`: what it says of itself, unchecked. */
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

/** Longest message to a plugin: a request's whole body is in it, in base64. */
export const TO_HOST_BYTES = 8 << 20;
/** Longest message from a plugin. */
export const FROM_HOST_BYTES = 1 << 20;

const isId = (value: unknown): value is number => Number.isSafeInteger(value);
const oneOf = <T extends string>(all: readonly T[], value: unknown): value is T => all.includes(value as T);

/** A message that is one of {@link FromHost}, or undefined. */
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
