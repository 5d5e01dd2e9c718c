/**
 * @module
 * One process's output inside the log Worker: reads its FIFOs without blocking, writes records, copies bytes to the
 * engine while somebody is attached. The Worker owns epoll; a channel only says what it wants to be woken for.
 */
import type { OwnedFd } from "../../sys/mod.ts";
import type { ChannelLog } from "./channel_log.ts";
import type { StreamName } from "./json_lines.ts";
import { LineCutter } from "./line_cutter.ts";
import {
  type ChannelSpec,
  type FromLogWorker,
  MAX_UNCREDITED_BYTES,
  type ReaderNeed,
  type SourceSpec,
} from "./protocol.ts";

/** What a channel needs of its Worker. */
export interface ChannelHost {
  /** Reads into `buffer`; 0 is the end. */
  read(fd: number, buffer: Uint8Array): number | "again";
  open(source: SourceSpec): OwnedFd;
  watch(fd: number, ready: () => void): void;
  unwatch(fd: number): void;
  post(message: FromLogWorker, transfer?: Transferable[]): void;
}

/** Most bytes taken from one FIFO in one turn, so that one loud container leaves room for the others. */
const TURN_BYTES = 1 << 20;

interface Source {
  readonly stream: StreamName;
  readonly fd: OwnedFd;
  /** Cuts what is logged; it ends every record with `suffix`. */
  readonly cutter: LineCutter | undefined;
  suffix: Uint8Array;
  /** What was read while the log was held. */
  unlogged: Uint8Array;
  open: boolean;
  watched: boolean;
}

/** See the module's comment. */
export class Channel {
  readonly key: string;
  readonly #host: ChannelHost;
  readonly #log: ChannelLog | undefined;
  readonly #sources: Source[];
  readonly #scratch: Uint8Array;
  readonly #onEnd: () => void;
  #attached: boolean;
  #begun = false;
  #uncredited = 0;
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
    this.#scratch = scratch;
    this.#onEnd = onEnd;
    this.#attached = spec.attached;
    using opened = new DisposableStack();
    this.#sources = spec.sources.map((source) => this.#newSource(source.stream, opened.use(host.open(source))));
    opened.move();
  }

  /** Begins to read; the process runs. */
  begin(): void {
    this.#begun = true;
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
    if (this.#deadline !== undefined) return;
    this.#armDeadline(graceMs);
    for (const source of [...this.#sources]) if (source.open && source.watched) this.#read(source);
  }

  /** Writes out what was read. */
  flush(): void {
    this.#log?.flush();
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

  #newSource(stream: StreamName, fd: OwnedFd): Source {
    const log = this.#log;
    const cutter = log && new LineCutter((piece, kind) => log.add(piece, kind, source.suffix));
    const [suffix, unlogged] = [new Uint8Array(), new Uint8Array()];
    const source: Source = { stream, fd, cutter, suffix, unlogged, open: true, watched: false };
    return source;
  }

  #armDeadline(graceMs: number): void {
    // A slow client is no reason to cut output short: only writers that outlive the process are.
    this.#deadline = setTimeout(() => this.#blocked() ? this.#armDeadline(graceMs) : this.close(), graceMs);
  }

  #watch(source: Source): void {
    source.watched = true;
    this.#host.watch(source.fd.fd, () => this.#read(source));
  }

  #pause(source: Source): void {
    if (source.watched) this.#host.unwatch(source.fd.fd);
    source.watched = false;
  }

  #resume(): void {
    if (!this.#begun || this.#blocked()) return;
    for (const source of this.#sources) if (source.open && !source.watched) this.#continue(source);
  }

  #continue(source: Source): void {
    this.#watch(source);
    if (source.unlogged.length > 0) this.#read(source);
  }

  #blocked(): boolean {
    return (this.#attached && this.#uncredited >= MAX_UNCREDITED_BYTES) || (this.#log?.held ?? false);
  }

  #read(source: Source): void {
    if (this.#log !== undefined) source.suffix = this.#log.suffix(source.stream);
    this.#logMore(source, source.unlogged);
    for (let taken = 0; taken < TURN_BYTES && source.open;) {
      if (this.#blocked()) {
        this.#pause(source);
        break;
      }
      const count = this.#host.read(source.fd.fd, this.#scratch);
      if (count === "again") break;
      if (count === 0) {
        this.#closeSource(source);
        break;
      }
      taken += count;
      this.#take(source, this.#scratch.subarray(0, count));
    }
    this.flush();
    if (this.#sources.every((each) => !each.open)) this.#end();
  }

  #logMore(source: Source, bytes: Uint8Array): void {
    if (bytes.length === 0 || source.cutter === undefined) return;
    const taken = source.cutter.push(bytes);
    source.unlogged = bytes.slice(taken);
  }

  #take(source: Source, bytes: Uint8Array): void {
    this.#logMore(source, bytes);
    if (!this.#attached) return;
    this.#uncredited += bytes.length;
    const copy = bytes.slice();
    this.#host.post({ kind: "data", key: this.key, stream: source.stream, bytes: copy }, [copy.buffer]);
  }

  #closeSource(source: Source): void {
    // Whoever holds the log has had the time: the container's end doesn't wait for ever.
    while (source.unlogged.length > 0) this.#logMore(source, source.unlogged);
    source.cutter?.end();
    this.#pause(source);
    source.open = false;
    source.fd[Symbol.dispose]();
  }

  #end(): void {
    clearTimeout(this.#deadline);
    this.#log?.close();
    this.#onEnd();
    this.#host.post({ kind: "ended", key: this.key });
  }
}
