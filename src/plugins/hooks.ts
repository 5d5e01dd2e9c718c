/**
 * @module
 * The table of hooks: points in the life of images and containers at which plugins are asked or told. A hook belongs to
 * one kind for ever, and its kind decides what an answer means:
 *
 * - `sequential`: asked one after another, in order; each may refuse by throwing, which ends the step.
 * - `parallel`: told all at once; what they throw is logged and changes nothing.
 * - `selective`: asked one after another; each may name things of the context, by id, that are to stay as they are. A
 *   plugin that throws ends the step.
 *
 * Contexts are frozen snapshots of plain JSON, never the engine's own objects. Each hook has a deadline.
 */

export type HookKind = "sequential" | "parallel" | "selective";

/** An image that is about to be, or was, recorded. */
export interface ImageContext {
  /** `docker.io/library/alpine:3`, in full. */
  readonly reference: string;
  /** The image's id. */
  readonly id: string;
  /** Digest of what the reference pointed at. */
  readonly digest: string;
  /** diffIDs, lowest layer first. */
  readonly layers: readonly string[];
}

/** A container, as it was asked for. */
export interface ContainerContext {
  readonly id: string;
  readonly name: string;
  /** The image's name as the caller wrote it, and its id. */
  readonly image: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface StartedContext extends ContainerContext {
  readonly pid: number;
}

export interface ExitedContext extends ContainerContext {
  readonly exitCode: number;
  /** How long it ran, in ms. */
  readonly ranMs: number;
}

/** Something that nobody uses, and that is about to be removed. */
export interface PrunedThing {
  /** `container`, `image`, … */
  readonly kind: string;
  readonly id: string;
  /** Those that it has; an image may have none. */
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Why it counts as unused, in words. */
  readonly why: string;
  /** What is freed, in bytes. */
  readonly bytes: number;
}

export interface PruneContext {
  /** In the order in which they go. */
  readonly things: readonly PrunedThing[];
}

/** What each hook is given. */
export interface HookContexts {
  "image.verify": ImageContext;
  "image.pulled": ImageContext;
  "container.validate": ContainerContext;
  "container.started": StartedContext;
  "container.exited": ExitedContext;
  "container.removed": ContainerContext;
  "prune.plan": PruneContext;
}

export type HookName = keyof HookContexts;

/** One row of the table. */
export interface HookRow {
  readonly kind: HookKind;
  /** A plugin that takes longer has failed. In ms. */
  readonly deadlineMs: number;
  /** When it comes, in one sentence. */
  readonly when: string;
  /** Version of tsd that had it first. */
  readonly since: string;
}

/** The one table of hooks; types, checks and documentation come from it. */
export const HOOKS = {
  "image.verify": {
    kind: "sequential",
    deadlineMs: 10_000,
    when: "A pulled image's layers are complete and nothing of it can be seen yet.",
    since: "0.1.0",
  },
  "image.pulled": { kind: "parallel", deadlineMs: 5000, when: "An image was recorded under its name.", since: "0.1.0" },
  "container.validate": {
    kind: "sequential",
    deadlineMs: 5000,
    when: "A container is about to be made; its settings were checked.",
    since: "0.1.0",
  },
  "container.started": {
    kind: "parallel",
    deadlineMs: 5000,
    when: "A container's process runs.",
    since: "0.1.0",
  },
  "container.exited": {
    kind: "parallel",
    deadlineMs: 5000,
    when: "A container's process and its output have ended, and the state says so.",
    since: "0.1.0",
  },
  "container.removed": {
    kind: "parallel",
    deadlineMs: 5000,
    when: "Nothing is left of a container.",
    since: "0.1.0",
  },
  "prune.plan": {
    kind: "selective",
    deadlineMs: 5000,
    when: "Unused things are about to be removed, or shown as what would be.",
    since: "0.1.0",
  },
} as const satisfies Record<HookName, HookRow>;

/** Names of the hooks of one kind. */
export type HooksOfKind<K extends HookKind> = {
  [N in HookName]: typeof HOOKS[N]["kind"] extends K ? N : never;
}[HookName];

/** What a plugin may answer: ids where the hook is selective, else nothing. */
export type HookAnswer<N extends HookName> = N extends HooksOfKind<"selective"> ? readonly string[] | void : void;

/** What a plugin does at a hook. */
export type HookHandler<N extends HookName> = (
  context: HookContexts[N],
  signal: AbortSignal,
) => HookAnswer<N> | Promise<HookAnswer<N>>;

/** A plugin: a plain object with a handler for each hook that it cares about. */
export interface Plugin {
  readonly name: string;
  readonly hooks: { readonly [N in HookName]?: HookHandler<N> };
}
