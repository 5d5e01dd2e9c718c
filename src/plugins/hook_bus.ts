/**
 * @module
 * Calls plugins. Without any for a hook a call costs one look into a map, and makes no context.
 */
import { toTsdError, TsdError } from "../errors.ts";
import type { Log } from "../log.ts";
import {
  type HookAnswer,
  type HookContexts,
  type HookHandler,
  type HookName,
  HOOKS,
  type HooksOfKind,
  type Plugin,
} from "./hooks.ts";

interface Subscriber<N extends HookName> {
  readonly plugin: string;
  readonly handler: HookHandler<N>;
}

/** See the module's comment. Plugins keep the order in which they were given. */
export class HookBus {
  readonly #log: Log;
  readonly #subscribers = new Map<HookName, Subscriber<HookName>[]>();

  /** @throws {TsdError} invalid_argument (a plugin names a hook that doesn't exist) */
  constructor(plugins: readonly Plugin[], log: Log) {
    this.#log = log.scope("plugins");
    for (const { name, hooks } of plugins) {
      for (const [hook, handler] of Object.entries(hooks)) {
        this.#subscribe(name, hook, handler as HookHandler<HookName>);
      }
    }
  }

  /**
   * Asks all plugins in order; the first that throws refuses the step.
   * @throws {TsdError} permission_denied, naming the plugin and its reason; timeout
   */
  async ask<N extends HooksOfKind<"sequential">>(hook: N, context: () => HookContexts[N]): Promise<void> {
    const subscribers = this.#of(hook);
    if (subscribers.length === 0) return;
    const snapshot = deepFreeze(context());
    for (const subscriber of subscribers) await askOne(hook, subscriber, snapshot);
  }

  /**
   * Asks all plugins in order which things of the context stay; by id, the plugin that was the first to want it. One that
   * fails refuses the step.
   * @throws {TsdError} permission_denied, naming the plugin and its reason; timeout
   */
  async spared<N extends HooksOfKind<"selective">>(
    hook: N,
    context: () => HookContexts[N],
  ): Promise<ReadonlyMap<string, string>> {
    const spared = new Map<string, string>();
    const subscribers = this.#of(hook);
    if (subscribers.length === 0) return spared;
    const snapshot = deepFreeze(context());
    for (const subscriber of subscribers) {
      // By the hook's kind.
      const ids = await askOne(hook, subscriber, snapshot) as readonly string[] | undefined;
      for (const id of ids ?? []) if (!spared.has(id)) spared.set(id, subscriber.plugin);
    }
    return spared;
  }

  /** Tells all plugins; returns at once. */
  tell<N extends HooksOfKind<"parallel">>(hook: N, context: () => HookContexts[N]): void {
    const subscribers = this.#of(hook);
    if (subscribers.length === 0) return;
    const snapshot = deepFreeze(context());
    for (const subscriber of subscribers) {
      callWithin(hook, subscriber, snapshot).catch((thrown) =>
        this.#log.warn("a plugin failed", { plugin: subscriber.plugin, hook, error: toTsdError(thrown).message })
      );
    }
  }

  #subscribe(plugin: string, hook: string, handler: HookHandler<HookName>): void {
    if (!(hook in HOOKS)) {
      throw new TsdError(
        "invalid_argument",
        `Plugin ${plugin} wants hook ${hook}, which doesn't exist; there are ${Object.keys(HOOKS).join(", ")}`,
      );
    }
    const list = this.#subscribers.get(hook as HookName) ?? [];
    this.#subscribers.set(hook as HookName, [...list, { plugin, handler }]);
  }

  #of<N extends HookName>(hook: N): readonly Subscriber<N>[] {
    return (this.#subscribers.get(hook) ?? []) as unknown as readonly Subscriber<N>[];
  }
}

/** @throws {TsdError} permission_denied, naming the plugin and its reason; timeout */
async function askOne<N extends HookName>(
  hook: N,
  subscriber: Subscriber<N>,
  context: HookContexts[N],
): Promise<HookAnswer<N>> {
  try {
    return await callWithin(hook, subscriber, context);
  } catch (cause) {
    const error = toTsdError(cause);
    if (error.code === "timeout") throw error;
    throw new TsdError("permission_denied", `Plugin ${subscriber.plugin} refused (${hook}): ${error.message}`, {
      cause,
    });
  }
}

/** A plugin that ignores its signal is left behind; the step goes on without it. */
async function callWithin<N extends HookName>(
  hook: N,
  { plugin, handler }: Subscriber<N>,
  context: HookContexts[N],
): Promise<HookAnswer<N>> {
  const { deadlineMs } = HOOKS[hook];
  const late = new AbortController();
  const expired = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.abort();
    expired.reject(new TsdError("timeout", `Plugin ${plugin} did not answer ${hook} within ${deadlineMs} ms`));
  }, deadlineMs);
  try {
    return await Promise.race([(async () => await handler(context, late.signal))(), expired.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
