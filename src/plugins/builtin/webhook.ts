/**
 * @module
 * Built-in plugin: posts the contexts of hooks to a URL as JSON. Posts are sent one after another, in order, and never
 * delay the engine: a post that fails is retried a few times and then dropped, and so are posts that don't fit into the
 * queue.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { HOOK_NAMES, type HookName, rowOf } from "../hooks.ts";
import type { Plugin, PluginHooks } from "../plugin.ts";
import { choice, type Infer, list, map, object, optional, text, whole } from "../schema.ts";
import { conform } from "../validate.ts";

const CONFIG = object({
  url: text("Where to: http:// or https://."),
  hooks: optional(
    list(choice(HOOK_NAMES, "A hook's name."), "Which hooks; if left out, those that observe containers."),
  ),
  headers: optional(map(text("A header's value."), "Further headers, such as one with a secret.")),
  attempts: optional(whole("How often a post is tried, 1 to 10; 4 if left out.")),
  timeoutMs: optional(whole("How long one try may take, 100 to 60000; 5000 if left out.")),
});

export type WebhookConfig = Infer<typeof CONFIG>;

/** The effects that the plugin uses; replaced in tests. */
export interface WebhookCalls {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
}

/** Maximum number of queued posts. */
const MAX_QUEUE = 1000;
/** Delay before the first retry, in ms; doubled for each further one. */
const FIRST_DELAY_MS = 500;
/** How long queued posts are still sent after the engine begins to shut down, in ms. */
const LAST_MS = 1000;
const DEFAULTS = { attempts: 4, timeoutMs: 5000 };
/** Hooks that are called for every log line or request, excluded by default. */
const FREQUENT: readonly HookName[] = ["log.line", "api.answered"];

const OBSERVING = HOOK_NAMES.filter((hook) => rowOf(hook).kind === "parallel" && !FREQUENT.includes(hook));

/**
 * Validates the configuration.
 * @throws {TsdError} invalid_argument, naming the field
 */
export function parseWebhookConfig(given: unknown): WebhookConfig {
  const config = conform(CONFIG, given);
  const url = URL.parse(config.url);
  if (url === null || !["http:", "https:"].includes(url.protocol)) throw wrong("url is no http:// or https:// URL");
  if (config.hooks?.length === 0) throw wrong("hooks is empty");
  requireRange("attempts", config.attempts, 1, 10);
  requireRange("timeoutMs", config.timeoutMs, 100, 60_000);
  try {
    new Headers(config.headers);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    // The message of the TypeError would reveal a header's value.
    throw wrong("headers has a name or a value that no header can have");
  }
  return config;
}

/** Returns the plugin. */
export function webhook(config: WebhookConfig, log: Log, calls: WebhookCalls = CALLS): Plugin {
  const posts = new Posts({ ...DEFAULTS, ...config }, log.scope("webhook"), calls);
  const hooks = (config.hooks ?? OBSERVING).map((hook) => [hook, (context: unknown) => posts.add(hook, context)]);
  return {
    ...{ name: "webhook", apiVersion: 1, order: "post" },
    // Contexts are posted as they are, for every hook.
    hooks: Object.fromEntries(hooks) as PluginHooks,
    close: () => posts.close(),
  };
}

interface Post {
  readonly hook: HookName;
  readonly body: string;
}

class Posts {
  readonly #config: WebhookConfig & typeof DEFAULTS;
  readonly #log: Log;
  readonly #calls: WebhookCalls;
  readonly #queue: Post[] = [];
  readonly #ending = new AbortController();
  #posting: Promise<void> | undefined;
  #dropped = 0;

  constructor(config: WebhookConfig & typeof DEFAULTS, log: Log, calls: WebhookCalls) {
    this.#config = config;
    this.#log = log;
    this.#calls = calls;
  }

  /** Queues a post and returns at once. */
  add(hook: HookName, context: unknown): void {
    if (this.#ending.signal.aborted) return;
    if (this.#queue.length >= MAX_QUEUE) {
      if (this.#dropped++ === 0) this.#log.warn("too much waits to be posted: what comes now is dropped", { hook });
      return;
    }
    const time = new Date(this.#calls.now()).toISOString();
    this.#queue.push({ hook, body: JSON.stringify({ id: crypto.randomUUID(), time, hook, context }) });
    this.#posting ??= this.#postAll().finally(() => this.#posting = undefined);
  }

  async close(): Promise<void> {
    const timer = setTimeout(() => this.#ending.abort(), LAST_MS);
    await this.#posting;
    clearTimeout(timer);
    this.#ending.abort();
  }

  async #postAll(): Promise<void> {
    for (let post = this.#queue.shift(); post !== undefined; post = this.#queue.shift()) {
      await this.#post(post);
      if (this.#ending.signal.aborted) this.#queue.length = 0;
    }
    if (this.#dropped > 0) this.#log.warn("posts were dropped", { count: this.#dropped });
    this.#dropped = 0;
  }

  async #post({ hook, body }: Post): Promise<void> {
    const { attempts } = this.#config;
    const { signal } = this.#ending;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const trouble = await this.#try(body);
      if (trouble === undefined) return;
      if (!trouble.mayPass || attempt >= attempts || signal.aborted) {
        this.#log.warn("a post came to nothing", { hook, attempts: attempt, why: trouble.why });
        return;
      }
      await this.#calls.wait(FIRST_DELAY_MS * 2 ** (attempt - 1), signal);
    }
  }

  /** Tries once. Returns undefined on success, else the reason and whether a retry may succeed. */
  async #try(body: string): Promise<{ readonly why: string; readonly mayPass: boolean } | undefined> {
    const { url, headers, timeoutMs } = this.#config;
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(timeoutMs)]);
    const all = { "user-agent": "tsd", ...headers, "content-type": "application/json" };
    try {
      const response = await this.#calls.fetch(url, { method: "POST", headers: all, body, redirect: "manual", signal });
      await response.body?.cancel();
      if (response.ok) return undefined;
      return { why: `status ${response.status}`, mayPass: response.status >= 500 || response.status === 429 };
    } catch (thrown) {
      return { why: withoutUrl(toTsdError(thrown).message, url), mayPass: true };
    }
  }
}

/** The URL may contain a secret. */
const withoutUrl = (text: string, url: string) => text.replaceAll(url, new URL(url).origin);

function requireRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value !== undefined && (value < least || value > most)) throw wrong(`${name} is not from ${least} to ${most}`);
}

const wrong = (why: string) => new TsdError("invalid_argument", why);

const CALLS: WebhookCalls = {
  fetch: (url, init) => fetch(url, init),
  now: Date.now,
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
    }),
};
