/**
 * @module
 * One process's output inside the log Worker: reads its FIFOs without blocking, writes records, copies bytes to the
 * engine while somebody is attached. The Worker owns epoll; a channel only says what it wants to be woken for.
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

/** What a channel needs of its Worker. */
export interface ChannelHost extends SourceCalls {
  open(source: SourceSpec): OwnedFd;
  /** Tells once of what comes (and of what is there); `hungUp`: nobody can write any more. */
  watch(fd: number, ready: (hungUp: boolean) => void): void;
  /** Tells of what is there once more. */
  watchAgain(fd: number): void;
  unwatch(fd: number): void;
  /** How many lines a second the engine wants of each log. */
  readonly sampling: { readonly perSecond: number };
  post(message: FromLogWorker, transfer?: Transferable[]): void;
}

/** Most bytes taken from one FIFO in one turn, so that one loud container leaves room for the others. */
const TURN_BYTES = 1 << 20;

/** More than can lie in the pipes of a process that has ended. */
const LAST_BYTES = 1 << 19;

interface Source {
  readonly output: ChannelSource;
  open: boolean;
  watched: boolean;
}

/** See the module's comment. */
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
  #mostUncredited = MAX_UNCREDITED_BYTES;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  /** Opens all sources or none. `scratch` is shared by all channels; the channel owns its log once it is made. */
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

  /** Begins to read; the process runs. */
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

  /** The process is gone: what lies in the pipes is read; writers that are left get `graceMs`. */
  finish(graceMs: number): void {
    // What is left to read is the next engine's, and so is the end.
    if (this.#deadline !== undefined || this.#suspended) return;
    // A client that takes nothing must not keep anybody from hearing of the end.
    this.#mostUncredited += LAST_BYTES;
    this.#armDeadline(graceMs);
    for (const source of [...this.#sources]) if (source.open && source.watched) this.#read(source);
    this.#resume();
  }

  /** Logs what was written to the streams so far. */
  sync(): void {
    for (const source of this.#sources) if (source.open && source.watched) this.#read(source);
  }

  /** Reads nothing more, and writes what could be read by nobody else. What of the rest was copied already? */
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

  /** A reader of the log has come, moved on, or gone. */
  need(need: ReaderNeed): void {
    this.#log?.need(need);
    this.#resume();
  }

  /** Removes what was logged so far. @throws {TsdError} storage */
  clearLog(): void {
    this.#log?.clear();
    this.#resume();
  }

  /** Ends now; calling it again does nothing. */
  close(): void {
    clearTimeout(this.#deadline);
    const open = this.#sources.filter((source) => source.open);
    for (const source of open) this.#closeSource(source);
    if (open.length === 0) return;
    this.#end();
  }

  #armDeadline(graceMs: number): void {
    // A slow reader of the log is no reason to cut output short: only writers that outlive the process are.
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
      // What the log didn't take is no news to whoever watches.
      this.#read(source);
    }
  }

  #blocked(): boolean {
    return (this.#attached && this.#uncredited >= this.#mostUncredited) || (this.#log?.held ?? false);
  }

  #read(source: Source, hungUp = false): void {
    const { output } = source;
    output.beginTurn();
    let taken = 0;
    while (source.open && !this.#blocked() && taken < TURN_BYTES) {
      const bytes = output.read();
      if (bytes === "end" || (bytes === "again" && hungUp)) this.#closeSource(source);
      if (typeof bytes === "string") break;
      taken += bytes.length;
      if (this.#host.sampling.perSecond > 0) this.#sample(output.stream, bytes);
      this.#copy(output.stream, bytes);
    }
    if (source.open && this.#blocked()) this.#pause(source);
    else if (source.open && taken >= TURN_BYTES) this.#host.watchAgain(output.fd.fd);
    this.#log?.flush();
    if (this.#sources.every((each) => !each.open)) this.#end();
  }

  /** Only of what is logged: an exec's output is nobody's but its client's. */
  #sample(stream: StreamName, bytes: Uint8Array): void {
    if (this.#log === undefined) return;
    const lines = this.#sampler.take(stream, bytes, this.#host.sampling.perSecond);
    if (lines.length > 0) this.#host.post({ kind: "lines", key: this.key, lines });
  }

  /** To whoever is attached. */
  #copy(stream: StreamName, bytes: Uint8Array): void {
    if (!this.#attached || bytes.length === 0) return;
    this.#uncredited += bytes.length;
    const copy = bytes.slice();
    this.#host.post({ kind: "data", key: this.key, stream, bytes: copy }, [copy.buffer]);
  }

  #closeSource(source: Source): void {
    this.#pause(source);
    source.open = false;
    // Before the beginning there is only what a failed start printed.
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
