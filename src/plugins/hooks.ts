/**
 * @module
 * The table of hooks: events in the lifecycle of images and containers that plugins can answer or observe. A hook's
 * kind never changes and defines the meaning of an answer. Types, validation and documentation (docs/hooks.md) are
 * derived from this table. Contexts are frozen snapshots of plain JSON, never the engine's own objects. Every hook has
 * a deadline.
 */
import { CONTAINER_PATCH, CREDENTIALS, OTHER_REFERENCE, REFUSAL, RETAINED } from "./answers.ts";
import * as contexts from "./contexts.ts";
import type { Infer, ObjectSchema, Schema } from "./schema.ts";

/** The kinds of hooks, with their documentation. */
export const HOOK_KINDS = {
  first: "Plugins are called one after another; the first answer is used, and no further plugin is called.",
  sequential: 'Plugins are called one after another; the first that answers `{ refuse: "why" }` ends the step.',
  adjust:
    "Plugins are called at the same time; each may answer a patch. Each field, each entry of a map and each keyed item " +
    "belongs to the plugin that sets it: if two plugins set the same one, the step fails with an error that names both.",
  parallel: "Plugins are notified at the same time, without waiting for them; their answers are ignored.",
  selective: "Plugins are called one after another; each may answer ids of things in the context to retain.",
} as const;

export type HookKind = keyof typeof HOOK_KINDS;

/** What happens to the step when a plugin fails: it throws, misses the deadline, or answers with the wrong shape. */
export const ON_FAILURE = {
  logged: "The failure is logged.",
  open:
    "The failure is logged, and the step continues as if the plugin had not answered; if the plugin is `required`, the step " +
    "is refused.",
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
  "image.beforePull": requested(
    contexts.REFERENCE,
    5000,
    "Called before an image is pulled, before any request to a registry.",
  ),
  "registry.resolve": {
    kind: "first",
    deadlineMs: 5000,
    onFailure: "open",
    since: "0.1.0",
    when:
      "Called before a pull contacts the registry. The answer is another reference with the same content, such as a " +
      "mirror's; the image keeps the requested name. The client's credentials are not sent to another registry.",
    context: contexts.REFERENCE,
    answer: OTHER_REFERENCE,
  },
  "registry.credentials": {
    kind: "first",
    deadlineMs: 5000,
    onFailure: "open",
    since: "0.1.0",
    when: "Called before a registry is contacted for which the client has sent no credentials.",
    context: contexts.REFERENCE,
    answer: CREDENTIALS,
  },
  "image.verify": requested(
    contexts.IMAGE,
    10_000,
    "Called when all layers of a pulled or loaded image are complete, before the image becomes visible.",
  ),
  "image.pulled": reported(contexts.PULLED_IMAGE, "A pulled image was recorded under its name."),
  "image.loaded": reported(contexts.IMAGE, "An image from an archive was recorded, under its names in the archive."),
  "container.create": {
    kind: "adjust",
    deadlineMs: 5000,
    onFailure: "open",
    since: "0.1.0",
    when:
      "Called before a container is created. The patched settings are validated like a client's request, and are stored with " +
      "the container.",
    context: contexts.NEW_CONTAINER,
    answer: CONTAINER_PATCH,
  },
  "container.validate": requested(
    contexts.NEW_CONTAINER,
    5000,
    "Called before a container is created, after its settings, including the patches of `container.create`, were validated.",
  ),
  "network.ready": requested(
    contexts.CONNECTED_CONTAINER,
    5000,
    "Called when a container's network namespace has all its interfaces, before its process is created: the start waits for the " +
      "plugins. Only for containers with a network namespace of their own and at least one network.",
  ),
  "container.started": reported(
    contexts.STARTED_CONTAINER,
    "A container was started. A plugin that is loaded later is notified of the running containers, with `replayed: true`.",
  ),
  "container.exec": requested(
    contexts.EXEC,
    5000,
    "Called before a command is run in a container. Not called for health checks.",
  ),
  "health.changed": reported(contexts.HEALTH, "A container's health status has changed."),
  "container.oom": reported(contexts.CONTAINER, "The kernel's OOM killer killed a process in a container."),
  "container.exited": reported(
    contexts.EXITED_CONTAINER,
    "A container has exited, its output is complete, and its state was updated.",
  ),
  "container.removed": reported(contexts.CONTAINER, "A container was removed."),
  "volume.created": reported(contexts.VOLUME, "A volume was created, explicitly or with a container."),
  "prune.plan": {
    kind: "selective",
    deadlineMs: 5000,
    onFailure: "closed",
    since: "0.1.0",
    when: "Called before unused things are removed, or are shown in a plan.",
    context: contexts.PRUNE,
    answer: RETAINED,
  },
  "log.line": reported(
    contexts.LOG_LINE,
    "A container has written a line to its log. Lines are sampled: at most ten a second for each container, and only while " +
      "a plugin has this hook.",
  ),
  "api.request": requested(
    contexts.API_REQUEST,
    5000,
    "Called when a request was received completely, before it has any effect. While a plugin has this hook, requests with a " +
      "body of more than 4 MiB are refused.",
  ),
  "api.answered": reported(contexts.API_ANSWER, "The response to a request was sent, or has begun."),
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
