/**
 * @module
 * One process's output inside the log Worker: reads its FIFOs without blocking, writes records, copies bytes to the
 * engine while somebody is attached. The Worker owns epoll; a channel only says what it wants to be woken for.
 */
import { serialiseError } from "../../errors.ts";
import type { OwnedFd } from "../../sys/mod.ts";
import { LineCutter, RecordBuffer, recordSuffix, type StreamName, timestampNow } from "./json_lines.ts";
import { type ChannelSpec, type FromLogWorker, MAX_UNCREDITED_BYTES, type SourceSpec } from "./protocol.ts";

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
  readonly cutter: LineCutter;
  open: boolean;
  watched: boolean;
}

/** See the module's comment. */
export class Channel {
  readonly key: string;
  readonly #host: ChannelHost;
  readonly #log: Deno.FsFile | undefined;
  readonly #records: RecordBuffer;
  readonly #sources: Source[];
  readonly #scratch: Uint8Array;
  readonly #onEnd: () => void;
  #attached: boolean;
  #begun = false;
  #uncredited = 0;
  #lost = false;
  #wrote = false;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  /** Opens everything or nothing. `scratch` is shared by all channels. */
  constructor(spec: ChannelSpec, host: ChannelHost, scratch: Uint8Array, onEnd: () => void) {
    this.key = spec.key;
    this.#host = host;
    this.#scratch = scratch;
    this.#onEnd = onEnd;
    this.#attached = spec.attached;
    using opened = new DisposableStack();
    this.#sources = spec.sources.map((source) => {
      const fd = opened.use(host.open(source));
      return { stream: source.stream, fd, cutter: new LineCutter(), open: true, watched: false };
    });
    this.#log = spec.logPath === undefined
      ? undefined
      : Deno.openSync(spec.logPath, { append: true, create: true, mode: 0o640 });
    this.#records = new RecordBuffer((bytes) => this.#append(bytes));
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
    this.#records.flush();
    if (!this.#wrote) return;
    this.#wrote = false;
    this.#host.post({ kind: "written", key: this.key });
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
    for (const source of this.#sources) if (source.open && !source.watched) this.#watch(source);
  }

  #blocked(): boolean {
    return this.#attached && this.#uncredited >= MAX_UNCREDITED_BYTES;
  }

  #read(source: Source): void {
    const suffix = this.#log === undefined ? undefined : recordSuffix(source.stream, timestampNow());
    for (let taken = 0; taken < TURN_BYTES && source.open;) {
      if (this.#blocked()) {
        this.#pause(source);
        break;
      }
      const count = this.#host.read(source.fd.fd, this.#scratch);
      if (count === "again") break;
      if (count === 0) {
        this.#endOfFile(source, suffix);
        break;
      }
      taken += count;
      this.#take(source, this.#scratch.subarray(0, count), suffix);
    }
    this.flush();
    if (this.#sources.every((each) => !each.open)) this.#end();
  }

  #take(source: Source, bytes: Uint8Array, suffix: Uint8Array | undefined): void {
    if (suffix !== undefined) {
      source.cutter.push(bytes, (piece, complete) => this.#records.add(piece, complete, suffix));
    }
    if (!this.#attached) return;
    this.#uncredited += bytes.length;
    const copy = bytes.slice();
    this.#host.post({ kind: "data", key: this.key, stream: source.stream, bytes: copy }, [copy.buffer]);
  }

  #endOfFile(source: Source, suffix: Uint8Array | undefined): void {
    if (suffix !== undefined) source.cutter.end((piece, complete) => this.#records.add(piece, complete, suffix));
    this.#closeSource(source);
  }

  #closeSource(source: Source): void {
    this.#pause(source);
    source.open = false;
    source.fd[Symbol.dispose]();
  }

  #end(): void {
    clearTimeout(this.#deadline);
    this.flush();
    this.#log?.close();
    this.#onEnd();
    this.#host.post({ kind: "ended", key: this.key });
  }

  #append(bytes: Uint8Array): void {
    if (this.#log === undefined) return;
    try {
      for (let at = 0; at < bytes.length;) at += this.#log.writeSync(bytes.subarray(at));
      this.#wrote = true;
    } catch (thrown) {
      // A full disk must not stop the container: its records are dropped and the engine is told once.
      if (!this.#lost) this.#host.post({ kind: "lost", key: this.key, error: serialiseError(thrown) });
      this.#lost = true;
    }
  }
}
