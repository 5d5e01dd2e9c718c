/**
 * @module
 * What can happen in an engine, in Docker's words (Engine API 1.50, `GET /events`): one table of actions by the kind of
 * thing they happen to, and the shape of one event.
 */
import type { EventType } from "../../api_types/mod.ts";

/** Every action. Some of a container's are followed by `: ` and a detail (a command, a health status). */
export const ACTIONS = {
  container: [
    ...["attach", "commit", "copy", "create", "destroy", "detach", "die"],
    ...["exec_create", "exec_detach", "exec_die", "exec_start", "export", "health_status", "kill", "oom"],
    ...["archive-path", "extract-to-dir", "pause", "prune", "rename", "resize", "restart", "start", "stop"],
    ...["top", "unpause", "update"],
  ],
  image: ["create", "delete", "import", "load", "prune", "pull", "push", "save", "tag", "untag"],
  network: ["connect", "create", "destroy", "disconnect", "prune", "remove"],
  volume: ["create", "destroy", "mount", "prune", "rename", "unmount"],
  daemon: ["reload"],
  builder: ["prune"],
} as const satisfies Partial<Record<EventType, readonly string[]>>;

/** Kinds of things that this engine tells of. */
export type EventKind = keyof typeof ACTIONS;

/** What can happen to a thing of one kind. */
export type ActionOf<K extends EventKind> = typeof ACTIONS[K][number];
export type ContainerAction = ActionOf<"container">;
export type ImageAction = ActionOf<"image">;

/** Facts about an event; values are texts. */
export type Attributes = Readonly<Record<string, string>>;

/** Something to be told. */
export interface PendingEvent<K extends EventKind = EventKind> {
  readonly type: K;
  readonly action: ActionOf<K>;
  /** Shown after the action: `exec_start: sh -c true`. */
  readonly detail?: string;
  /** Id of the thing; for a pulled image its name. */
  readonly actorId: string;
  readonly attributes: Attributes;
}

/** Something that happened. Plain data. */
export interface EngineEvent {
  /** Order of happening: 1, 2, … without gaps, also across engines. */
  readonly sequence: number;
  readonly type: string;
  /** With its detail. */
  readonly action: string;
  readonly actorId: string;
  readonly attributes: Attributes;
  /** Nanoseconds since 1970; events of one moment differ in the last digits, in their order. */
  readonly timeNano: bigint;
}
