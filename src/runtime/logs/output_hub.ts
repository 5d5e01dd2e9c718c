/**
 * @module
 * The engine's side of the log Worker: opens channels, hands copied bytes to whoever is attached and says when a
 * process's output has ended. Bytes are credited back once the slowest listener took them.
 */
import { deserialiseError, type SerialisedError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { StreamName } from "./json_lines.ts";
import type { SampledLine } from "./line_sampler.ts";
import { type LogLease, LogReaders } from "./log_readers.ts";
import type { ChannelSpec, FromLogWorker, LogSpec, SeenBytes, ToLogWorker } from "./protocol.ts";

/** Takes output; resolving late slows the process down, as a pipe would. Rejections end the listener. */
export type OutputListener = (stream: StreamName, bytes: Uint8Array) => Promise<void>;

interface OpenChannel {
  readonly listeners: Set<OutputListener>;
  readonly opened: PromiseWithResolvers<void>;
  /** Nothing more comes. */
  readonly complete: PromiseWithResolvers<void>;
  /** And all was delivered. */
  readonly ended: PromiseWithResolvers<void>;
  /** Bytes in flight are passed on one after another, in order. */
  tail: Promise<void>;
  attachAnswers: PromiseWithResolvers<void>[];
  writers: Set<() => void>;
}

/** A detachable listener. */
export interface Attachment {
  detach(): void;
}

/** Whoever follows a log; dispose of it. */
export interface LogWatch extends Disposable {
  /** Whether nothing more will be appended. */
  ended(): boolean;
}

/** An output that somebody was attached to when its engine left. Plain JSON. */
export interface AttachedOutput {
  readonly key: string;
  readonly listeners: number;
  readonly seen: SeenBytes;
}

/** An attached output that its listeners are expected back to. */
interface Expected {
  readonly seen: SeenBytes;
  missing: number;
  hasBegun: boolean;
  /** The process has ended meanwhile, and its output has so long. */
  finishMs?: number;
}

/** What a slow listener may still take when the engine leaves, in ms. */
const DELIVERY_LIMIT_MS = 1000;

/** One for each engine. Call {@link OutputHub.close} at the end. */
export class OutputHub implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #log: Log;
  readonly #channels = new Map<string, OpenChannel>();
  /** Channels that have ended, whose listeners have not taken everything yet. */
  readonly #delivering = new Map<string, OpenChannel>();
  readonly #readers = new LogReaders((key, need) => this.#post({ kind: "need", key, need }));
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #expected = new Map<string, Expected>();
  readonly #ready = Promise.withResolvers<void>();
  #onLines: (key: string, lines: readonly SampledLine[]) => void = () => {};
  #ticket = 0;
  #failure: TsdError | undefined;

  /** `workerUrl` names the module `worker.ts`, in the form in which this program runs. */
  constructor(workerUrl: URL, log: Log) {
    this.#log = log.scope("logs");
    this.#worker = new Worker(workerUrl, { type: "module", name: "tsd-logs" });
    this.#worker.onmessage = (event: MessageEvent<FromLogWorker>) => this.#receive(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#log.error("the log Worker failed", { error: event.message });
      this.#fail(new TsdError("internal", `The log Worker failed: ${event.message}`));
    };
  }

  /** Resolves when the Worker runs. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Opens a channel; listeners may be added before anything is written. @throws {TsdError} system_call, conflict */
  async open(spec: Omit<ChannelSpec, "attached">): Promise<void> {
    if (this.#channels.has(spec.key)) throw new TsdError("conflict", `Output of ${spec.key} is open already`);
    const channel: OpenChannel = {
      listeners: new Set(),
      opened: Promise.withResolvers(),
      complete: Promise.withResolvers(),
      ended: Promise.withResolvers(),
      tail: Promise.resolve(),
      attachAnswers: [],
      writers: new Set(),
    };
    this.#channels.set(spec.key, channel);
    const log = spec.log === undefined ? undefined : { spec: spec.log, ...this.#readers.write(spec.key) };
    const seen = this.#expected.get(spec.key)?.seen;
    const described = { ...spec, attached: false, ...(seen && { seen }) };
    this.#post({ kind: "open", channel: described, ...(log && { log }), needs: log?.needs ?? [] });
    await channel.opened.promise;
  }

  /** The process runs: what it writes is read from now on (and what it wrote already). */
  begin(key: string): void {
    const expected = this.#expected.get(key);
    if (expected === undefined) this.#post({ kind: "begin", key });
    else expected.hasBegun = true;
  }

  /**
   * After a re-execution: these outputs wait, once they are open, until all that were attached are back, and so miss
   * nothing; `limitMs` at most.
   */
  expect(outputs: readonly AttachedOutput[], limitMs: number): void {
    for (const { key, listeners, seen } of outputs) {
      this.#expected.set(key, { seen, missing: listeners, hasBegun: false });
      Deno.unrefTimer(setTimeout(() => this.#goOn(key), limitMs));
    }
  }

  /** Resolves when the channel has ended and its listeners took everything. An unknown key has ended. */
  async ended(key: string): Promise<void> {
    await (this.#channels.get(key) ?? this.#delivering.get(key))?.ended.promise;
  }

  /** Resolves when the channel has ended, and is in the log, whether or not its listeners have taken everything yet. */
  async complete(key: string): Promise<void> {
    await this.#channels.get(key)?.complete.promise;
  }

  isOpen(key: string): boolean {
    return this.#channels.has(key);
  }

  /** Adds a listener; from the moment this resolves it misses nothing. @throws {TsdError} not_running */
  async attach(key: string, listener: OutputListener): Promise<Attachment> {
    const channel = this.#channels.get(key);
    if (channel === undefined) throw new TsdError("not_running", `No output of ${key} is open`);
    channel.listeners.add(listener);
    const attachment = { detach: () => this.#detach(key, channel, listener) };
    if (channel.listeners.size > 1) {
      this.#isBack(key);
      return attachment;
    }
    const answer = Promise.withResolvers<void>();
    channel.attachAnswers.push(answer);
    this.#post({ kind: "attach", key, on: true });
    this.#isBack(key);
    await answer.promise;
    return attachment;
  }

  /** Calls `wake` whenever records were appended to the channel's log, and at its end. Without a channel it has ended. */
  watchLog(key: string, wake: () => void): LogWatch {
    const channel = this.#channels.get(key);
    channel?.writers.add(wake);
    return {
      ended: () => channel === undefined || this.#channels.get(key) !== channel,
      [Symbol.dispose]: () => channel?.writers.delete(wake),
    };
  }

  /** The process has exited; the channel ends with its output, at the latest after `graceMs`. */
  finish(key: string, graceMs: number): void {
    const expected = this.#expected.get(key);
    if (expected === undefined) this.#post({ kind: "finish", key, graceMs });
    else expected.finishMs = graceMs;
  }

  /** Ends a channel whose process never ran. */
  async discard(key: string): Promise<void> {
    if (!this.#channels.has(key)) return;
    this.#post({ kind: "close", key });
    await this.ended(key);
  }

  /** Registers a reader of the log of `key`, whether or not its channel is open. */
  leaseLog(key: string): LogLease {
    return this.#readers.lease(key);
  }

  /** Removes what was logged so far; readers that follow the log go on. @throws {TsdError} storage */
  async clearLog(key: string, spec: LogSpec): Promise<void> {
    using lease = this.#readers.lease(key);
    const log = { spec, sequence: lease.sequence.memory };
    await this.#ask((ticket) => ({ kind: "clear", key, log, ticket }));
  }

  /** Gives `listener` so many lines a second of each log; 0 ends that. */
  sample(perSecond: number, listener: (key: string, lines: readonly SampledLine[]) => void): void {
    this.#onLines = listener;
    this.#post({ kind: "sample", perSecond });
  }

  /** What processes have written by now is in the log files when this resolves. */
  flush(): Promise<void> {
    return this.#ask((ticket) => ({ kind: "flush", ticket }));
  }

  /**
   * The engine is about to leave: nothing more is read, all that was read is in the logs and has come to those that are
   * attached. Says to which outputs somebody is.
   */
  async suspend(): Promise<AttachedOutput[]> {
    const seen = await this.#ask<Record<string, SeenBytes>>((ticket) => ({ kind: "suspend", ticket }));
    const attached = [...this.#channels].filter(([, { listeners }]) => listeners.size > 0);
    const last = [...this.#delivering.values()].map(({ tail }) => tail);
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, DELIVERY_LIMIT_MS);
    await Promise.race([Promise.all([...attached.map(([, { tail }]) => tail), ...last]), limit.promise]);
    clearTimeout(timer);
    return attached.map(([key, { listeners }]) => ({ key, listeners: listeners.size, seen: seen[key] ?? {} }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ready.promise.catch(() => undefined);
    if (this.#failure === undefined) await this.#ask((ticket) => ({ kind: "suspend", ticket }));
    this.#worker.terminate();
  }

  #isBack(key: string): void {
    const expected = this.#expected.get(key);
    if (expected !== undefined && --expected.missing === 0) this.#goOn(key);
  }

  #goOn(key: string): void {
    const expected = this.#expected.get(key);
    this.#expected.delete(key);
    if (expected?.hasBegun) this.#post({ kind: "begin", key });
    if (expected?.finishMs !== undefined) this.finish(key, expected.finishMs);
  }

  #post(message: ToLogWorker): void {
    this.#worker.postMessage(message);
  }

  /** Nobody answers any more. */
  #fail(error: TsdError): void {
    this.#failure = error;
    this.#ready.reject(error);
    for (const answer of this.#answers.values()) answer.reject(error);
    this.#answers.clear();
  }

  async #ask<T = void>(message: (ticket: number) => ToLogWorker): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    const ticket = ++this.#ticket;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(ticket, answer);
    this.#post(message(ticket));
    return await answer.promise as T;
  }

  #answer(ticket: number, error?: SerialisedError, value?: unknown): void {
    const answer = this.#answers.get(ticket);
    this.#answers.delete(ticket);
    if (error === undefined) answer?.resolve(value);
    else answer?.reject(deserialiseError(error));
  }

  #detach(key: string, channel: OpenChannel, listener: OutputListener): void {
    if (!channel.listeners.delete(listener)) return;
    if (channel.listeners.size === 0 && this.#channels.get(key) === channel) {
      channel.attachAnswers.push(Promise.withResolvers());
      this.#post({ kind: "attach", key, on: false });
    }
  }

  #receive(message: FromLogWorker): void {
    if (message.kind === "ready") return this.#ready.resolve();
    if (message.kind === "flushed") return this.#answer(message.ticket);
    if (message.kind === "suspended") return this.#answer(message.ticket, undefined, message.seen);
    if (message.kind === "cleared") return this.#answer(message.ticket, message.error);
    if (message.kind === "lines") return this.#onLines(message.key, message.lines);
    const channel = this.#channels.get(message.key);
    if (channel === undefined) return;
    switch (message.kind) {
      case "opened":
        if (message.error === undefined) return channel.opened.resolve();
        this.#channels.delete(message.key);
        this.#readers.written(message.key);
        return channel.opened.reject(deserialiseError(message.error));
      case "attached":
        return channel.attachAnswers.shift()?.resolve();
      case "data":
        channel.tail = channel.tail.then(() => this.#deliver(message.key, channel, message.stream, message.bytes));
        return;
      case "written":
        return channel.writers.forEach((wake) => wake());
      case "ended":
        return this.#end(message.key, channel);
      case "trouble":
        this.#log.warn(message.what, { container: message.key, error: message.error.message });
    }
  }

  async #deliver(key: string, channel: OpenChannel, stream: StreamName, bytes: Uint8Array): Promise<void> {
    await Promise.all([...channel.listeners].map((listener) =>
      listener(stream, bytes).catch((thrown) => {
        this.#log.debug("a listener went away", { container: key, error: String(thrown) });
        this.#detach(key, channel, listener);
      })
    ));
    if (this.#channels.get(key) === channel) this.#post({ kind: "credit", key, bytes: bytes.length });
  }

  #end(key: string, channel: OpenChannel): void {
    this.#readers.written(key);
    for (const answer of channel.attachAnswers) answer.resolve();
    // The process may be started again while a slow client is still given what is left.
    this.#channels.delete(key);
    this.#delivering.set(key, channel);
    channel.writers.forEach((wake) => wake());
    channel.complete.resolve();
    void channel.tail.then(() => {
      if (this.#delivering.get(key) === channel) this.#delivering.delete(key);
      channel.ended.resolve();
    });
  }
}
