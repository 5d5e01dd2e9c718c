/**
 * @module
 * The output of one process inside the log Worker: reads its FIFOs without blocking, writes records, and copies bytes
 * to the engine while a client is attached. The Worker owns epoll; a channel registers its descriptors with it.
 */
import type { OwnedFd } from "../../sys/mod.ts";
import type { ChannelLog } from "./channel_log.ts";
import { BufferedFifo, type ChannelSource, Passthrough, type SourceCalls } from "./channel_source.ts";
import type { StreamName } from "./json_lines.ts";
import { LineSampler } from "./line_sampler.ts";
import {
  type BytesRead,
  type ChannelSpec,
  type FromLogWorker,
  MAX_UNCREDITED_BYTES,
  type ReaderNeed,
  type SourceSpec,
} from "./protocol.ts";

/** Services of the Worker that a channel uses. */
export interface ChannelHost extends SourceCalls {
  open(source: SourceSpec): OwnedFd;
  /** Calls `ready` for bytes present and on each arrival (edge-triggered). `hungUp`: no writer is left. */
  watch(fd: number, ready: (hungUp: boolean) => void): void;
  /** Rearms the watch, so that `ready` is called for bytes that are present. */
  watchAgain(fd: number): void;
  unwatch(fd: number): void;
  /** Lines per second that the engine requested of each log; 0 for none. */
  readonly sampling: { readonly perSecond: number };
  post(message: FromLogWorker, transfer?: Transferable[]): void;
}

/** Maximum number of bytes read from one FIFO per turn, so that a container with much output doesn't starve others. */
const TURN_BYTES = 1 << 20;

/** More than the pipes of an exited process can contain. */
const LAST_BYTES = 1 << 19;

interface Source {
  readonly output: ChannelSource;
  open: boolean;
  watched: boolean;
}

/** Reads the output of one process into its log and to the engine. */
export class Channel {
  readonly key: string;
  readonly #host: ChannelHost;
  readonly #log: ChannelLog | undefined;
  readonly #sources: Source[];
  readonly #onEnd: () => void;
  readonly #sampler = new LineSampler();
  #attached: boolean;
  #started = false;
  #suspended = false;
  #uncredited = 0;
  #maxUncredited = MAX_UNCREDITED_BYTES;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  /** Opens all sources or none. All channels share `scratch`. The channel owns its log if the constructor succeeds. */
  constructor(
    spec: ChannelSpec,
    log: ChannelLog | undefined,
    host: ChannelHost,
    scratch: Uint8Array,
    onEnd: () => void,
  ) {
    this.key = spec.key;
    this.#log = log;
    this.#host = host;
    this.#onEnd = onEnd;
    this.#attached = spec.attached;
    using opened = new DisposableStack();
    this.#sources = spec.sources.map((source) => {
      const { stream } = source;
      const fd = opened.use(host.open(source));
      const output = log !== undefined && "path" in source
        ? new BufferedFifo(stream, fd, log, host, scratch, spec.seen?.[stream])
        : new Passthrough(stream, fd, log, host, scratch);
      return { output, open: true, watched: false };
    });
    opened.move();
  }

  /** Starts reading, once the process runs. */
  begin(): void {
    this.#started = true;
    this.#resume();
  }

  setAttached(on: boolean): void {
    this.#attached = on;
    if (!on) this.#uncredited = 0;
    this.#resume();
  }

  credit(bytes: number): void {
    this.#uncredited = Math.max(0, this.#uncredited - bytes);
    this.#resume();
  }

  /** Reads the rest of the output after the process has exited. Other writers are cut off after `graceMs`. */
  finish(graceMs: number): void {
    // A suspended channel leaves the rest of the output, and its end, to the next engine.
    if (this.#deadline !== undefined || this.#suspended) return;
    // A client that accepts no bytes must not delay the end for all others.
    this.#maxUncredited += LAST_BYTES;
    this.#armDeadline(graceMs);
    for (const source of [...this.#sources]) if (source.open && source.watched) this.#read(source);
    this.#resume();
  }

  /** Logs everything that the process has written so far. */
  sync(): void {
    for (const source of this.#sources) if (source.open && source.watched) this.#read(source);
  }

  /**
   * Stops reading, and logs the bytes that no later engine could read.
   * @returns how many of the bytes that remain in the FIFOs were already copied to the engine
   */
  suspend(): BytesRead {
    this.#started = false;
    this.#suspended = true;
    clearTimeout(this.#deadline);
    const seen: Partial<Record<StreamName, number>> = {};
    for (const source of this.#sources.filter(({ open }) => open)) {
      this.#pause(source);
      seen[source.output.stream] = source.output.suspend();
    }
    this.#log?.flush();
    return seen;
  }

  /** Updates the files that a reader of the log needs. */
  need(need: ReaderNeed): void {
    this.#log?.need(need);
    this.#resume();
  }

  /** Removes all records logged so far. @throws {TsdError} storage */
  clearLog(): void {
    this.#log?.clear();
    this.#resume();
  }

  /** Ends the channel at once. Idempotent. */
  close(): void {
    clearTimeout(this.#deadline);
    const open = this.#sources.filter((source) => source.open);
    for (const source of open) this.#closeSource(source);
    if (open.length === 0) return;
    this.#end();
  }

  #armDeadline(graceMs: number): void {
    // Only writers that outlive the process are cut off; output that waits for a slow reader of the log is not.
    this.#deadline = setTimeout(() => this.#log?.held ? this.#armDeadline(graceMs) : this.close(), graceMs);
  }

  #watch(source: Source): void {
    source.watched = true;
    this.#host.watch(source.output.fd.fd, (hungUp) => this.#read(source, hungUp));
  }

  #pause(source: Source): void {
    if (source.watched) this.#host.unwatch(source.output.fd.fd);
    source.watched = false;
  }

  #resume(): void {
    if (!this.#started || this.#blocked()) return;
    for (const source of this.#sources) {
      if (!source.open || source.watched) continue;
      this.#watch(source);
      // epoll reports no edge for bytes that the log didn't accept earlier.
      this.#read(source);
    }
  }

  #blocked(): boolean {
    return (this.#attached && this.#uncredited >= this.#maxUncredited) || (this.#log?.held ?? false);
  }

  #read(source: Source, hungUp = false): void {
    const { output } = source;
    output.beginTurn();
    let byteCount = 0;
    while (source.open && !this.#blocked() && byteCount < TURN_BYTES) {
      const bytes = output.read();
      if (bytes === "end" || (bytes === "again" && hungUp)) this.#closeSource(source);
      if (typeof bytes === "string") break;
      byteCount += bytes.length;
      if (this.#host.sampling.perSecond > 0) this.#sample(output.stream, bytes);
      this.#copy(output.stream, bytes);
    }
    if (source.open && this.#blocked()) this.#pause(source);
    else if (source.open && byteCount >= TURN_BYTES) this.#host.watchAgain(output.fd.fd);
    this.#log?.flush();
    if (this.#sources.every((each) => !each.open)) this.#end();
  }

  /** Samples only logged output: an exec's output belongs to its client alone. */
  #sample(stream: StreamName, bytes: Uint8Array): void {
    if (this.#log === undefined) return;
    const lines = this.#sampler.take(stream, bytes, this.#host.sampling.perSecond);
    if (lines.length > 0) this.#host.post({ kind: "lines", key: this.key, lines });
  }

  /** Copies bytes to the engine while a client is attached. */
  #copy(stream: StreamName, bytes: Uint8Array): void {
    if (!this.#attached || bytes.length === 0) return;
    this.#uncredited += bytes.length;
    const copy = bytes.slice();
    this.#host.post({ kind: "data", key: this.key, stream, bytes: copy }, [copy.buffer]);
  }

  #closeSource(source: Source): void {
    this.#pause(source);
    source.open = false;
    // Before `begin` the pipes contain only the output of a failed start.
    if (this.#started) source.output.end();
    source.output.fd.close();
  }

  #end(): void {
    clearTimeout(this.#deadline);
    this.#log?.close();
    this.#onEnd();
    this.#host.post({ kind: "ended", key: this.key });
  }
}
