/**
 * @module
 * The engine's side of the log Worker: opens channels, delivers copied bytes to attached clients and reports the end of
 * a process's output. Bytes are credited back to the Worker once the slowest listener has taken them.
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

/** Receives output. A promise that resolves late slows down the process, as a pipe would; one that rejects detaches. */
export type OutputListener = (stream: StreamName, bytes: Uint8Array) => Promise<void>;

interface OpenChannel {
  readonly listeners: Set<OutputListener>;
  readonly opened: PromiseWithResolvers<void>;
  /** Resolves once no more output follows. */
  readonly complete: PromiseWithResolvers<void>;
  /** Resolves once all output was also delivered. */
  readonly ended: PromiseWithResolvers<void>;
  /** The last delivery; deliveries are chained to keep their order. */
  tail: Promise<void>;
  attachAnswers: PromiseWithResolvers<void>[];
  writers: Set<() => void>;
}

/** An attached listener. */
export interface Attachment {
  detach(): void;
}

/** A registration for changes of a log. Dispose of it to unregister. */
export interface LogWatch extends Disposable {
  /** Returns whether no more records will be appended. */
  ended(): boolean;
}

/** Time for slow listeners to take pending output before the engine exits, in ms. */
const DELIVERY_LIMIT_MS = 1000;

/** Routes the output of all processes between the log Worker and attached clients. Each engine has one. */
export class StdioRouter implements AsyncDisposable {
  readonly #worker: LogWorkerLink;
  readonly #log: Log;
  readonly #attachCounts: Pick<AttachCounts, "set"> | undefined;
  readonly #channels = new Map<string, OpenChannel>();
  /** Ended channels whose listeners have not taken all output yet. */
  readonly #delivering = new Map<string, OpenChannel>();
  readonly #readers = new LogReaders((key, need) => this.#worker.post({ kind: "need", key, need }));
  readonly #expected = new ReattachQueue({
    begin: (key) => this.#worker.post({ kind: "begin", key }),
    finish: (key, graceMs) => this.#worker.post({ kind: "finish", key, graceMs }),
    settled: (key) => this.#attachCounts?.set(key, this.#channels.get(key)?.listeners.size ?? 0),
  });
  #onLines: (key: string, lines: readonly SampledLine[]) => void = () => {};

  /**
   * @param workerUrl URL of the module `worker.ts`, in the form in which this program runs
   * @param attachCounts records how many clients are attached, for an engine that restores this one's containers
   */
  constructor(workerUrl: URL, log: Log, attachCounts?: Pick<AttachCounts, "set">) {
    this.#log = log.scope("logs");
    this.#attachCounts = attachCounts;
    this.#worker = new LogWorkerLink(workerUrl, this.#log, (notification) => this.#receive(notification));
  }

  /** Resolves once the Worker runs. */
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
    const log = spec.log === undefined ? undefined : { spec: spec.log, ...this.#readers.registerWriter(spec.key) };
    const seen = this.#expected.seen(spec.key);
    const fullSpec = { ...spec, attached: false, ...(seen && { seen }) };
    this.#worker.post({ kind: "open", channel: fullSpec, ...(log && { log }), needs: log?.needs ?? [] });
    await channel.opened.promise;
  }

  /** Starts reading a channel, once its process runs. Includes what the process has written before. */
  begin(key: string): void {
    this.#expected.begin(key);
  }

  /**
   * Delays these outputs, to which clients of the previous engine were attached, until all of them have attached again
   * and so miss no output. {@link StdioRouter.limitWaiting} limits the delay.
   */
  expect(outputs: readonly AttachedOutput[]): void {
    this.#expected.add(outputs);
  }

  /** Stops waiting for clients after `limitMs`. To be called once the API accepts connections. */
  limitWaiting(limitMs: number): void {
    this.#expected.limit(limitMs);
  }

  /** Resolves once the channel has ended and its listeners have taken all output. An unknown key counts as ended. */
  async ended(key: string): Promise<void> {
    await (this.#channels.get(key) ?? this.#delivering.get(key))?.ended.promise;
  }

  /** Resolves once the channel has ended and its output is in the log, without waiting for listeners. */
  async complete(key: string): Promise<void> {
    await this.#channels.get(key)?.complete.promise;
  }

  isOpen(key: string): boolean {
    return this.#channels.has(key);
  }

  /** Adds a listener, which gets all output from the time when the promise resolves. @throws {TsdError} not_running */
  async attach(key: string, listener: OutputListener): Promise<Attachment> {
    const channel = this.#channels.get(key);
    if (channel === undefined) throw new TsdError("not_running", `No output of ${key} is open`);
    channel.listeners.add(listener);
    this.#attachCounts?.set(key, channel.listeners.size);
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

  /**
   * Calls `wake` after records were appended to the channel's log, and at its end. A log without a channel has ended.
   */
  watchLog(key: string, wake: () => void): LogWatch {
    const channel = this.#channels.get(key);
    channel?.writers.add(wake);
    return {
      ended: () => channel === undefined || this.#channels.get(key) !== channel,
      [Symbol.dispose]: () => channel?.writers.delete(wake),
    };
  }

  /** Ends a channel whose process has exited at the end of its output, at the latest after `graceMs`. */
  finish(key: string, graceMs: number): void {
    this.#expected.finish(key, graceMs);
  }

  /** Ends a channel whose process never ran, and drops unread output. */
  async discard(key: string): Promise<void> {
    if (!this.#channels.has(key)) return;
    this.#worker.post({ kind: "close", key });
    await this.ended(key);
  }

  /** Registers a reader of the log of `key`, whether or not its channel is open. */
  leaseLog(key: string): LogLease {
    return this.#readers.lease(key);
  }

  /** Removes all records logged so far. Readers that follow the log continue. @throws {TsdError} storage */
  async clearLog(key: string, spec: LogSpec): Promise<void> {
    using lease = this.#readers.lease(key);
    const log = { spec, sequence: lease.sequence.memory };
    await this.#worker.request((ticket) => ({ kind: "clear", key, log, ticket }));
  }

  /** Passes up to `perSecond` lines per second of each log to `listener`; 0 stops sampling. */
  sample(perSecond: number, listener: (key: string, lines: readonly SampledLine[]) => void): void {
    this.#onLines = listener;
    this.#worker.post({ kind: "sample", perSecond });
  }

  /** Writes everything that processes have output so far to the log files. */
  flush(): Promise<void> {
    return this.#worker.request((ticket) => ({ kind: "flush", ticket }));
  }

  /**
   * Stops reading because the engine is about to exit or to execute itself. Resolves once all output that was read is
   * in the logs and has been delivered to attached clients, for which slow clients have a limited time.
   * @returns the outputs to which clients are attached
   */
  async suspend(): Promise<AttachedOutput[]> {
    const seen = await this.#worker.request<Record<string, BytesRead>>((ticket) => ({ kind: "suspend", ticket }));
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
    this.#attachCounts?.set(key, channel.listeners.size);
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
        this.#readers.unregisterWriter(message.key);
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
    this.#readers.unregisterWriter(key);
    if (channel.listeners.size > 0) this.#attachCounts?.set(key, 0);
    for (const answer of channel.attachAnswers) answer.resolve();
    // The process may be started again while the rest is still being delivered to a slow client.
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
