/**
 * @module
 * The table of hooks: events in the lifecycle of images and containers that plugins can answer or observe. A hook's
 * kind never
 * changes and defines the meaning of an answer. Types, validation and documentation (docs/hooks.md) are derived from
 * this
 * table. Contexts are frozen snapshots of plain JSON, never the engine's own objects. Every hook has a deadline.
 */
import { CONTAINER_PATCH, CREDENTIALS, OTHER_REFERENCE, REFUSAL, RETAINED } from "./answers.ts";
import * as contexts from "./contexts.ts";
import type { Infer, ObjectSchema, Schema } from "./schema.ts";

/** The kinds of hooks, with their documentation. */
export const HOOK_KINDS = {
  first: "Plugins are asked one after another; the first answer counts, and nobody is asked after it.",
  sequential: 'Plugins are asked one after another; the first that answers `{ refuse: "why" }` ends the step.',
  adjust:
    "Plugins are asked at the same time; each answers a patch of what it wants changed. Each field, each entry of a " +
    "map and each keyed item belongs to whoever sets it: two plugins that set the same one end the step, and are both named.",
  parallel: "Plugins are told at the same time, and nobody waits for them; what they answer counts for nothing.",
  selective: "Plugins are asked one after another; each may name things of the context, by id, that are to stay.",
} as const;

export type HookKind = keyof typeof HOOK_KINDS;

/** What happens to the step when a plugin fails: it throws, misses the deadline, or answers with the wrong shape. */
export const ON_FAILURE = {
  logged: "Nobody waits for it: logged.",
  open: "Logged, and the step goes on as if it had answered nothing; if the plugin is `required`, the step is refused.",
  closed: "The step is refused, whether or not the plugin is `required`.",
} as const;

/** One row of the table. */
export interface HookRow {
  readonly kind: HookKind;
  /** In ms. A plugin that takes longer has failed. */
  readonly deadlineMs: number;
  /** When the hook is called, in one or two sentences. */
  readonly when: string;
  /** The version of tsd that introduced it. */
  readonly since: string;
  readonly onFailure: keyof typeof ON_FAILURE;
  readonly context: ObjectSchema;
  /** Undefined if the hook takes no answer. */
  readonly answer?: Schema;
}

/** Row of a notification. */
const reported = <C extends ObjectSchema>(context: C, when: string) =>
  ({ kind: "parallel", deadlineMs: 5000, onFailure: "logged", since: "0.1.0", when, context }) as const;

/** Row of a step that plugins may refuse. */
const requested = <C extends ObjectSchema>(context: C, deadlineMs: number, when: string) =>
  ({ kind: "sequential", deadlineMs, onFailure: "open", since: "0.1.0", when, context, answer: REFUSAL }) as const;

/** All hooks. */
export const HOOKS = {
  "image.beforePull": requested(contexts.REFERENCE, 5000, "An image is about to be pulled; no registry was asked yet."),
  "registry.resolve": {
    kind: "first",
    deadlineMs: 5000,
    onFailure: "open",
    since: "0.1.0",
    when:
      "A pull is about to ask a registry. An answer names another place with the same content, such as a mirror; the " +
      "image keeps the name that was asked for. The caller's credentials don't go to another registry.",
    context: contexts.REFERENCE,
    answer: OTHER_REFERENCE,
  },
  "registry.credentials": {
    kind: "first",
    deadlineMs: 5000,
    onFailure: "open",
    since: "0.1.0",
    when: "A registry is about to be asked, and the caller has brought no credentials for it.",
    context: contexts.REFERENCE,
    answer: CREDENTIALS,
  },
  "image.verify": requested(
    contexts.IMAGE,
    10_000,
    "The layers of an image that was pulled or loaded are complete, and nothing of it can be seen yet.",
  ),
  "image.pulled": reported(contexts.PULLED_IMAGE, "An image was recorded under its name."),
  "image.loaded": reported(contexts.IMAGE, "An image of an archive was recorded, under the names that it has there."),
  "container.create": {
    kind: "adjust",
    deadlineMs: 5000,
    onFailure: "open",
    since: "0.1.0",
    when: "A container was asked for; nothing of it is there yet. What comes of the patches is checked as a client's " +
      "request is, and stays with the container.",
    context: contexts.NEW_CONTAINER,
    answer: CONTAINER_PATCH,
  },
  "container.validate": requested(
    contexts.NEW_CONTAINER,
    5000,
    "A container is about to be made; its settings, the patches of `container.create` included, were checked.",
  ),
  "network.ready": requested(
    contexts.CONNECTED_CONTAINER,
    5000,
    "A container's network namespace has all its interfaces, and its process isn't made yet: the start waits for the " +
      "plugins. Only for containers that have a namespace of their own with something in it.",
  ),
  "container.started": reported(
    contexts.STARTED_CONTAINER,
    "A container's process runs. A plugin that is loaded later gets those that run by then, with `replayed: true`.",
  ),
  "container.exec": requested(
    contexts.EXEC,
    5000,
    "Somebody wants to run a command in a container. Health checks are not asked about.",
  ),
  "health.changed": reported(contexts.HEALTH, "A health check's result has changed what a container counts as."),
  "container.oom": reported(contexts.CONTAINER, "The kernel killed something in a container for want of memory."),
  "container.exited": reported(
    contexts.EXITED_CONTAINER,
    "A container's process and its output have ended, and the state says so.",
  ),
  "container.removed": reported(contexts.CONTAINER, "A container can't be found any more."),
  "volume.created": reported(contexts.VOLUME, "A volume was made, by itself or with a container."),
  "prune.plan": {
    kind: "selective",
    deadlineMs: 5000,
    onFailure: "closed",
    since: "0.1.0",
    when: "Unused things are about to be removed, or shown as what would be.",
    context: contexts.PRUNE,
    answer: RETAINED,
  },
  "log.line": reported(
    contexts.LOG_LINE,
    "A container has written a line to its log. A sample: at most ten lines a second of each container, and none at all unless a " +
      "plugin has this hook.",
  ),
  "api.request": requested(
    contexts.API_REQUEST,
    5000,
    "A request has come, whole; nothing was done about it. While a plugin has this hook, requests whose body is larger " +
      "than 4 MiB are refused.",
  ),
  "api.answered": reported(contexts.API_ANSWER, "A request was answered, or its answer has begun."),
} as const satisfies Record<string, HookRow>;

export type HookName = keyof typeof HOOKS;

type Contexts = { readonly [N in HookName]: Infer<typeof HOOKS[N]["context"]> };

type Answers = {
  readonly [N in HookName]: typeof HOOKS[N] extends { readonly answer: infer A extends Schema } ? Infer<A> : never;
};

/** Contexts by hook. An interface, so that the compiler computes the type once. */
export interface HookContexts extends Contexts {}

/** Answers by hook. */
export interface HookAnswers extends Answers {}

/** Names of the hooks of one kind. */
export type HooksOfKind<K extends HookKind> = {
  [N in HookName]: typeof HOOKS[N]["kind"] extends K ? N : never;
}[HookName];

/** What a handler may return; no answer is always allowed. */
export type HookAnswer<N extends HookName> = HookAnswers[N] | null | void;

export const HOOK_NAMES = Object.keys(HOOKS) as readonly HookName[];

/** Returns a hook's row with the general type. */
export const rowOf = (hook: HookName): HookRow => HOOKS[hook];

export type ImageContext = HookContexts["image.verify"];
export type ContainerContext = HookContexts["container.removed"];
export type NewContainerContext = HookContexts["container.create"];
export type StartedContext = HookContexts["container.started"];
export type ExitedContext = HookContexts["container.exited"];
export type PruneContext = HookContexts["prune.plan"];
export type PrunedThing = PruneContext["things"][number];
/** The changes that plugins request to a container, merged. */
export type ContainerPatch = HookAnswers["container.create"];
