/**
 * @module
 * A plugin on the bus: its status, and calls that end at the hook's deadline whatever the plugin does.
 */
import { toTsdError, TsdError } from "../errors.ts";
import type { Log } from "../log.ts";
import { frozen } from "./frozen.ts";
import { type HookContexts, type HookName, rowOf } from "./hooks.ts";
import { type HookTools, type Plugin, PLUGIN_API_VERSION, type PluginOrder, PluginUnloaded } from "./plugin.ts";
import type { Json } from "./schema.ts";
import type { PluginStorage } from "./storage.ts";
import { check } from "./validate.ts";

/** Number of failures in a row that disable a plugin. */
export const MAX_FAILURES = 5;

/** Limit on unanswered calls of a plugin, so that a slow one does not accumulate notifications. */
export const MAX_UNANSWERED = 10_000;

/** A plugin's status. Plain JSON. */
export interface PluginStatus {
  readonly name: string;
  readonly order: PluginOrder;
  readonly required: boolean;
  readonly hooks: readonly HookName[];
  /** False if it has failed too often; it is not called any more. */
  readonly enabled: boolean;
  /** Number of calls since it was added. */
  readonly calls: number;
  readonly failures: number;
  readonly failuresInARow: number;
  readonly lastError?: string;
}

/** What handlers get besides the signal. */
export interface PluginTools {
  readonly log: Log;
  readonly storage: PluginStorage;
  readonly config: Json;
}

/** A plugin on the bus with its status. */
export class LoadedPlugin {
  readonly plugin: Plugin;
  readonly #tools: PluginTools;
  #calls = 0;
  #unanswered = 0;
  #failures = 0;
  #failuresInARow = 0;
  /** Number of the last call that had started when a failure was counted in `#failuresInARow`. */
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
   * Returns the plugin's answer; undefined if it gave none.
   * @throws {TsdError} timeout, invalid_argument (an answer of the wrong shape), or what the plugin throws
   * @throws {PluginUnloaded} if the plugin was unloaded before the call reached it
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
      // Calls that were in flight during a failure mostly fail for the same reason, so they count as one.
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

  /** Calls the handler with the deadline. A handler that ignores its signal is abandoned. */
  async #within(hook: HookName, context: HookContexts[HookName]): Promise<unknown> {
    const { deadlineMs } = rowOf(hook);
    const deadline = new AbortController();
    const expired = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      deadline.abort();
      expired.reject(new TsdError("timeout", `it did not answer within ${deadlineMs} ms`));
    }, deadlineMs);
    // The context matches the hook, and plugins without a handler are not subscribed.
    const handler = this.plugin.hooks[hook] as (context: unknown, tools: HookTools) => unknown;
    const answering = (async () => await handler(context, { ...this.#tools, signal: deadline.signal }))();
    try {
      return await Promise.race([answering, expired.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Validates a plugin's answer; undefined if it gave none.
 * @throws {TsdError} invalid_argument
 */
export function checkAnswer(hook: HookName, answer: unknown): unknown {
  const { answer: schema } = rowOf(hook);
  if (answer === undefined || answer === null || schema === undefined) return undefined;
  try {
    return check(schema, answer);
  } catch (thrown) {
    throw new TsdError("invalid_argument", `its answer is wrong: ${toTsdError(thrown).message}`, { cause: thrown });
  }
}

/** Whether a name consists of lower-case letters, digits, `.`, `_` and `-`. */
export const isPluginName = (name: string): boolean => /^[a-z0-9][a-z0-9_.-]{0,63}$/.test(name);

/**
 * Validates a plugin's name, version and hooks.
 * @throws {TsdError} invalid_argument, naming the plugin and the problem
 */
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
      const choices = `there are ${known.join(", ")}`;
      throw new TsdError("invalid_argument", `Plugin ${name} wants hook ${hook}, which doesn't exist; ${choices}`);
    }
    if (typeof handler !== "function") {
      throw new TsdError("invalid_argument", `Plugin ${name} has no function for hook ${hook}`);
    }
  }
}

/**
 * Returns a plugin's part of the engine's configuration, validated by the plugin's schema.
 * @throws {TsdError} invalid_argument
 */
export function configOf({ name, config: schema }: Plugin, config: unknown): Json {
  if (schema === undefined) {
    if (config === undefined) return null;
    throw new TsdError("invalid_argument", `Plugin ${name} has no configuration, and was given one`);
  }
  if (config === undefined && schema.optional) return null;
  return frozen(check(schema, config, `plugins.${name}`)) as Json;
}
