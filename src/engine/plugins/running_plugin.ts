/**
 * @module
 * A plugin that is in use: its process is started when it is first asked something, kept while it is asked, and started
 * again by the next question after it has ended.
 */
import { PluginUnloaded } from "../../plugins/mod.ts";
import type { CallOptions, PluginProcess } from "./plugin_process.ts";

/** A process that nobody asked for this long is ended, in ms. */
const IDLE_MS = 10 * 60_000;

/** How long a plugin that nobody wants any more may take for its last answers, in ms. */
export const LAST_MS = 1000;

/** See the module's comment. Dispose of it to end the process, and wait for its end. */
export class RunningPlugin implements AsyncDisposable {
  readonly #start: (ending: AbortSignal) => Promise<PluginProcess>;
  readonly #idleMs: number;
  #starting: Promise<PluginProcess> | undefined;
  #process: PluginProcess | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #requested = 0;
  /** It is asked nothing more. */
  #isUnloaded = false;
  /** What it is being asked is the last. */
  #isLast = false;
  readonly #answered = Promise.withResolvers<void>();
  readonly #ending = new AbortController();

  /** @param start gets a signal that fires when nobody wants the process any more */
  constructor(start: (ending: AbortSignal) => Promise<PluginProcess>, idleMs = IDLE_MS) {
    this.#start = start;
    this.#idleMs = idleMs;
  }

  /** Whether there is a process. */
  get isRunning(): boolean {
    return this.#process?.isAlive ?? false;
  }

  /**
   * Asks at a hook; see {@link PluginProcess.call}.
   * @throws {PutAway} nobody was asked; {PluginGone}; Error: the plugin's own
   */
  async call(
    hook: string,
    context: unknown,
    signal: AbortSignal,
    how?: CallOptions,
  ): Promise<unknown> {
    if (this.#isUnloaded) throw new PluginUnloaded("it was put away");
    clearTimeout(this.#idle);
    this.#requested++;
    try {
      const process = this.isRunning ? this.#process! : await (this.#starting ??= this.#started());
      return await process.call(hook, context, signal, how);
    } finally {
      if (--this.#requested === 0) this.#rest();
    }
  }

  /** Asked nothing more, it answers what it was asked, at the latest at the deadline of that; then the process is ended. */
  retire(): Promise<void> {
    this.#isUnloaded = true;
    return this.finish();
  }

  /**
   * The process is ended as soon as it has answered all that it was asked, after `limitMs` at the latest; until then it is
   * asked more, unless it retires.
   */
  async finish(limitMs?: number): Promise<void> {
    this.#isLast = true;
    const late = limitMs === undefined ? undefined : setTimeout(() => void this[Symbol.asyncDispose](), limitMs);
    if (this.#requested > 0) await this.#answered.promise;
    clearTimeout(late);
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isUnloaded = true;
    this.#ending.abort();
    this.#end();
    await this.#starting?.catch(() => undefined);
    await this.#process?.ended;
  }

  async #started(): Promise<PluginProcess> {
    try {
      const process = await this.#start(this.#ending.signal);
      this.#process = process;
      // Somebody may have ended it meanwhile.
      if (this.#ending.signal.aborted) process[Symbol.dispose]();
      return process;
    } finally {
      this.#starting = undefined;
    }
  }

  #rest(): void {
    if (this.#isLast) return this.#answered.resolve();
    this.#idle = setTimeout(() => this.#end(), this.#idleMs);
    Deno.unrefTimer(this.#idle);
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#process?.[Symbol.dispose]();
  }
}
