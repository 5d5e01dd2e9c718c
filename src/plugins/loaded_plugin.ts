/**
 * @module
 * A plugin on the bus: how it fares, and one call of it, which ends at the hook's deadline whatever the plugin does.
 */
import { toTsdError, TsdError } from "../errors.ts";
import type { Log } from "../log.ts";
import { frozen } from "./frozen.ts";
import { type HookContexts, type HookName, rowOf } from "./hooks.ts";
import { type HookTools, type Plugin, PLUGIN_API_VERSION, type PluginOrder, PluginUnloaded } from "./plugin.ts";
import type { Json } from "./schema.ts";
import type { PluginStorage } from "./storage.ts";
import { check } from "./validate.ts";

/** So many failures in a row disable a plugin. */
export const MAX_FAILURES = 5;

/** Most calls that a plugin has to answer at once: one that is told more than it can take is no reason to keep it all. */
export const MAX_UNANSWERED = 10_000;

/** How a plugin fares. Plain JSON. */
export interface PluginStatus {
  readonly name: string;
  readonly order: PluginOrder;
  readonly required: boolean;
  readonly hooks: readonly HookName[];
  /** False: it has failed too often, and is asked nothing. */
  readonly enabled: boolean;
  /** Since it was added. */
  readonly calls: number;
  readonly failures: number;
  readonly failuresInARow: number;
  readonly lastError?: string;
}

/** What handlers have, besides the signal. */
export interface PluginTools {
  readonly log: Log;
  readonly storage: PluginStorage;
  readonly config: Json;
}

/** See the module's comment. */
export class LoadedPlugin {
  readonly plugin: Plugin;
  readonly #tools: PluginTools;
  #calls = 0;
  #unanswered = 0;
  #failures = 0;
  #failuresInARow = 0;
  /** Calls up to this one were open, or answered, at the last failure that counted. */
  #countedUntil = 0;
  #isDisabled = false;
  #lastError: string | undefined;

  constructor(plugin: Plugin, tools: PluginTools) {
    this.plugin = plugin;
    this.#tools = tools;
  }

  get name(): string {
    return this.plugin.name;
  }

  get isEnabled(): boolean {
    return !this.#isDisabled;
  }

  get status(): PluginStatus {
    const { name, order = "normal", required = false, hooks } = this.plugin;
    return {
      ...{ name, order, required, hooks: Object.keys(hooks) as HookName[], enabled: this.isEnabled },
      ...{ calls: this.#calls, failures: this.#failures, failuresInARow: this.#failuresInARow },
      ...this.#lastError !== undefined && { lastError: this.#lastError },
    };
  }

  /**
   * Its answer; nothing is undefined.
   * @throws {TsdError} timeout, invalid_argument (an answer of the wrong shape), or what the plugin throws; {PutAway}
   */
  async call(hook: HookName, context: HookContexts[HookName]): Promise<unknown> {
    const number = ++this.#calls;
    this.#unanswered++;
    try {
      if (this.#unanswered > MAX_UNANSWERED) throw new TsdError("timeout", `it has ${MAX_UNANSWERED} calls to answer`);
      const answer = checkAnswer(hook, await this.#within(hook, context));
      this.#failuresInARow = 0;
      return answer;
    } catch (thrown) {
      if (thrown instanceof PluginUnloaded) throw thrown;
      const error = toTsdError(thrown);
      this.#failures++;
      // Calls that were open when one has failed fail for the same reason, mostly: they count as one.
      if (number > this.#countedUntil) {
        this.#failuresInARow++;
        this.#countedUntil = this.#calls;
      }
      this.#isDisabled ||= this.#failuresInARow >= MAX_FAILURES;
      this.#lastError = `${hook}: ${error.message}`;
      throw error;
    } finally {
      this.#unanswered--;
    }
  }

  /** A plugin that ignores its signal is left behind. */
  async #within(hook: HookName, context: HookContexts[HookName]): Promise<unknown> {
    const { deadlineMs } = rowOf(hook);
    const late = new AbortController();
    const expired = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.abort();
      expired.reject(new TsdError("timeout", `it did not answer within ${deadlineMs} ms`));
    }, deadlineMs);
    // The context is of the hook's shape, and whoever has no handler is not on the hook's list.
    const handler = this.plugin.hooks[hook] as (context: unknown, tools: HookTools) => unknown;
    const answering = (async () => await handler(context, { ...this.#tools, signal: late.signal }))();
    try {
      return await Promise.race([answering, expired.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What a plugin said, if it is of the hook's shape; nothing is undefined. @throws {TsdError} invalid_argument */
export function checkAnswer(hook: HookName, answer: unknown): unknown {
  const { answer: schema } = rowOf(hook);
  if (answer === undefined || answer === null || schema === undefined) return undefined;
  try {
    return check(schema, answer);
  } catch (thrown) {
    throw new TsdError("invalid_argument", `its answer is wrong: ${toTsdError(thrown).message}`, { cause: thrown });
  }
}

/** Small letters, digits, `.`, `_` and `-`. */
export const isPluginName = (name: string): boolean => /^[a-z0-9][a-z0-9_.-]{0,63}$/.test(name);

/** @throws {TsdError} invalid_argument, naming the plugin and what is wrong with it */
export function checkPlugin({ name, apiVersion, hooks }: Plugin, known: readonly string[]): void {
  if (typeof name !== "string" || !isPluginName(name)) {
    throw new TsdError("invalid_argument", `Invalid name of a plugin: ${JSON.stringify(name)}`);
  }
  if (apiVersion !== PLUGIN_API_VERSION) {
    const why = `is for version ${apiVersion} of the interface; this tsd has version ${PLUGIN_API_VERSION}`;
    throw new TsdError("invalid_argument", `Plugin ${name} ${why}`);
  }
  for (const [hook, handler] of Object.entries(hooks)) {
    if (!known.includes(hook)) {
      const there = `there are ${known.join(", ")}`;
      throw new TsdError("invalid_argument", `Plugin ${name} wants hook ${hook}, which doesn't exist; ${there}`);
    }
    if (typeof handler !== "function") {
      throw new TsdError("invalid_argument", `Plugin ${name} has no function for hook ${hook}`);
    }
  }
}

/** What the engine's configuration has for it, in the shape that it asks for. @throws {TsdError} invalid_argument */
export function configOf({ name, config: schema }: Plugin, config: unknown): Json {
  if (schema === undefined) {
    if (config === undefined) return null;
    throw new TsdError("invalid_argument", `Plugin ${name} has no configuration, and was given one`);
  }
  if (config === undefined && schema.optional) return null;
  return frozen(check(schema, config, `plugins.${name}`)) as Json;
}
