/**
 * @module
 * The engine's side of the log Worker: opens channels, hands copied bytes to whoever is attached and says when a
 * process's output has ended. Bytes are credited back once the slowest listener took them.
 */
import { deserialiseError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { AttachCounts } from "./attach_counts.ts";
import { type AttachedOutput, ReattachQueue } from "./reattach.ts";
import type { StreamName } from "./json_lines.ts";
import type { SampledLine } from "./line_sampler.ts";
import { type LogLease, LogReaders } from "./log_readers.ts";
import { LogWorkerLink, type LogWorkerNotification } from "./log_worker_link.ts";
import type { BytesRead, ChannelSpec, LogSpec } from "./protocol.ts";

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

/** What a slow listener may still take when the engine leaves, in ms. */
const DELIVERY_LIMIT_MS = 1000;

/** One for each engine. Dispose of it at the end. */
export class StdioRouter implements AsyncDisposable {
  readonly #worker: LogWorkerLink;
  readonly #log: Log;
  readonly #marks: Pick<AttachCounts, "note"> | undefined;
  readonly #channels = new Map<string, OpenChannel>();
  /** Channels that have ended, whose listeners have not taken everything yet. */
  readonly #delivering = new Map<string, OpenChannel>();
  readonly #readers = new LogReaders((key, need) => this.#worker.post({ kind: "need", key, need }));
  readonly #expected = new ReattachQueue({
    begin: (key) => this.#worker.post({ kind: "begin", key }),
    finish: (key, graceMs) => this.#worker.post({ kind: "finish", key, graceMs }),
    settled: (key) => this.#marks?.note(key, this.#channels.get(key)?.listeners.size ?? 0),
  });
  #onLines: (key: string, lines: readonly SampledLine[]) => void = () => {};

  /** `workerUrl` names the module `worker.ts`, in the form in which this program runs; `marks` are for the next engine. */
  constructor(workerUrl: URL, log: Log, marks?: Pick<AttachCounts, "note">) {
    this.#log = log.scope("logs");
    this.#marks = marks;
    this.#worker = new LogWorkerLink(workerUrl, this.#log, (news) => this.#receive(news));
  }

  /** Resolves when the Worker runs. */
  get ready(): Promise<void> {
    return this.#worker.ready;
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
    const seen = this.#expected.seen(spec.key);
    const described = { ...spec, attached: false, ...(seen && { seen }) };
    this.#worker.post({ kind: "open", channel: described, ...(log && { log }), needs: log?.needs ?? [] });
    await channel.opened.promise;
  }

  /** The process runs: what it writes is read from now on (and what it wrote already). */
  begin(key: string): void {
    this.#expected.begin(key);
  }

  /**
   * Another engine was there before: these outputs wait, once they are open, until all that were attached are back, and so
   * miss nothing. See {@link StdioRouter.limitWaiting}.
   */
  expect(outputs: readonly AttachedOutput[]): void {
    this.#expected.add(outputs);
  }

  /** Clients can come: whoever isn't there after `limitMs` isn't waited for. */
  limitWaiting(limitMs: number): void {
    this.#expected.limit(limitMs);
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
    this.#marks?.note(key, channel.listeners.size);
    const attachment = { detach: () => this.#detach(key, channel, listener) };
    if (channel.listeners.size > 1) {
      this.#expected.isBack(key);
      return attachment;
    }
    const answer = Promise.withResolvers<void>();
    channel.attachAnswers.push(answer);
    this.#worker.post({ kind: "attach", key, on: true });
    this.#expected.isBack(key);
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
    this.#expected.finish(key, graceMs);
  }

  /** Ends a channel whose process never ran. */
  async discard(key: string): Promise<void> {
    if (!this.#channels.has(key)) return;
    this.#worker.post({ kind: "close", key });
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
    await this.#worker.ask((ticket) => ({ kind: "clear", key, log, ticket }));
  }

  /** Gives `listener` so many lines a second of each log; 0 ends that. */
  sample(perSecond: number, listener: (key: string, lines: readonly SampledLine[]) => void): void {
    this.#onLines = listener;
    this.#worker.post({ kind: "sample", perSecond });
  }

  /** What processes have written by now is in the log files when this resolves. */
  flush(): Promise<void> {
    return this.#worker.ask((ticket) => ({ kind: "flush", ticket }));
  }

  /**
   * The engine is about to leave: nothing more is read, all that was read is in the logs and has come to those that are
   * attached. Says to which outputs somebody is.
   */
  async suspend(): Promise<AttachedOutput[]> {
    const seen = await this.#worker.ask<Record<string, BytesRead>>((ticket) => ({ kind: "suspend", ticket }));
    const attached = [...this.#channels].filter(([, { listeners }]) => listeners.size > 0);
    const last = [...this.#delivering.values()].map(({ tail }) => tail);
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, DELIVERY_LIMIT_MS);
    await Promise.race([Promise.all([...attached.map(([, { tail }]) => tail), ...last]), limit.promise]);
    clearTimeout(timer);
    return attached.map(([key, { listeners }]) => ({ key, listeners: listeners.size, seen: seen[key] ?? {} }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
  }

  #detach(key: string, channel: OpenChannel, listener: OutputListener): void {
    if (!channel.listeners.delete(listener) || this.#channels.get(key) !== channel) return;
    this.#marks?.note(key, channel.listeners.size);
    if (channel.listeners.size === 0) {
      channel.attachAnswers.push(Promise.withResolvers());
      this.#worker.post({ kind: "attach", key, on: false });
    }
  }

  #receive(message: LogWorkerNotification): void {
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
    if (this.#channels.get(key) === channel) this.#worker.post({ kind: "credit", key, bytes: bytes.length });
  }

  #end(key: string, channel: OpenChannel): void {
    this.#readers.written(key);
    if (channel.listeners.size > 0) this.#marks?.note(key, 0);
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
