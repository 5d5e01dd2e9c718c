/**
 * @module
 * One stream of a channel: its bytes go to the log, and then to attached clients. Bytes of a FIFO with a log are
 * consumed only after they were written, so that an engine that is killed leaves them to the next one. Bytes of a pty,
 * or of a stream without a log, are consumed by reading.
 */
import type { OwnedFd } from "../../sys/mod.ts";
import type { ChannelLog } from "./channel_log.ts";
import type { StreamName } from "./json_lines.ts";
import { LineSplitter } from "./line_splitter.ts";

/** The system calls that read bytes. */
export interface SourceCalls {
  /** Reads into `buffer`. Returns the number of bytes; 0 at the end. */
  read(fd: number, buffer: Uint8Array): number | "again";
  /** Like `read`, but for a FIFO, and leaves the bytes in it until they are consumed with `take`. */
  peek(fd: number, buffer: Uint8Array): number | "again";
  take(fd: number, count: number): void;
  /** Enlarges the FIFO's buffer, if permitted. */
  enlarge(fd: number): void;
}

/** The result of a read: bytes not yet copied to clients (valid until the next read), none at present, or the end. */
export type SourceBytes = Uint8Array | "again" | "end";

/** One stream of a channel. Call {@link ChannelSource.beginTurn} before each series of reads. */
export interface ChannelSource {
  readonly stream: StreamName;
  readonly fd: OwnedFd;
  /** Begins a turn of reading, whose records get the current time. */
  beginTurn(): void;
  /** Returns the next bytes after logging them, as far as the log accepts them now. */
  read(): SourceBytes;
  /**
   * Logs the bytes that no later engine could read.
   * @returns how many of the bytes that remain in the FIFO were already returned by `read`
   */
  suspend(): number;
  /** Logs the remaining bytes, including an incomplete line, at the end of the stream. */
  end(): void;
}

/** Splits the bytes of a stream into records and logs them. */
class LoggedStream {
  readonly splitter: LineSplitter;
  readonly #log: ChannelLog;
  readonly #stream: StreamName;
  #suffix: Uint8Array = new Uint8Array();

  constructor(log: ChannelLog, stream: StreamName) {
    this.#log = log;
    this.#stream = stream;
    this.splitter = new LineSplitter((piece, kind) => log.add(piece, kind, this.#suffix));
  }

  beginTurn(): void {
    this.#suffix = this.#log.suffix(this.#stream);
  }

  /** Logs all bytes, even if a reader holds the log: the end of a stream doesn't wait. */
  end(bytes: Uint8Array): void {
    this.beginTurn();
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(this.splitter.push(rest));
    this.splitter.end();
  }
}

/** A FIFO whose bytes, including those of an incomplete line, stay in it until they are in the log. */
export class BufferedFifo implements ChannelSource {
  readonly #calls: SourceCalls;
  readonly #log: ChannelLog;
  readonly #logged: LoggedStream;
  readonly #scratch: Uint8Array;
  /** How many of the bytes that remain in the FIFO were already returned by `read`. */
  #copiedBytes: number;
  #isBlocked = false;
  #isEnlarged = false;

  constructor(
    readonly stream: StreamName,
    readonly fd: OwnedFd,
    log: ChannelLog,
    calls: SourceCalls,
    scratch: Uint8Array,
    copiedBytes = 0,
  ) {
    this.#copiedBytes = copiedBytes;
    this.#calls = calls;
    this.#log = log;
    this.#logged = new LoggedStream(log, stream);
    this.#scratch = scratch;
  }

  beginTurn(): void {
    this.#logged.beginTurn();
  }

  read(): SourceBytes {
    const bytes = this.#peek();
    if (typeof bytes === "string") return bytes;
    if (bytes.length === this.#copiedBytes && !this.#isBlocked) return "again";
    const { splitter } = this.#logged;
    const pushed = splitter.push(bytes);
    this.#isBlocked = pushed < bytes.length;
    const logged = pushed - splitter.dropRest();
    this.#take(logged);
    const fresh = bytes.subarray(this.#copiedBytes);
    this.#copiedBytes = bytes.length - logged;
    return fresh;
  }

  suspend(): number {
    return this.#copiedBytes;
  }

  end(): void {
    const bytes = this.#peek();
    const rest = typeof bytes === "string" ? new Uint8Array() : bytes;
    this.#logged.end(rest);
    this.#take(rest.length);
  }

  /** Writes the logged bytes before it consumes them. */
  #take(count: number): void {
    this.#log.write();
    this.#calls.take(this.fd.fd, count);
  }

  #peek(): SourceBytes {
    const count = this.#calls.peek(this.fd.fd, this.#scratch);
    if (count === "again") return count;
    if (count === 0) return "end";
    // Bytes stay in the FIFO while they are logged, so a fast writer would block on a full one.
    if (count === this.#scratch.length && !this.#isEnlarged) {
      this.#isEnlarged = true;
      this.#calls.enlarge(this.fd.fd);
    }
    return this.#scratch.subarray(0, count);
  }
}

/** A pty, or a stream without a log. */
export class Passthrough implements ChannelSource {
  readonly #calls: SourceCalls;
  readonly #logged: LoggedStream | undefined;
  readonly #scratch: Uint8Array;
  /** Bytes that were read when the log accepted no more. */
  #unlogged: Uint8Array = new Uint8Array();

  constructor(
    readonly stream: StreamName,
    readonly fd: OwnedFd,
    log: ChannelLog | undefined,
    calls: SourceCalls,
    scratch: Uint8Array,
  ) {
    this.#calls = calls;
    this.#logged = log && new LoggedStream(log, stream);
    this.#scratch = scratch;
  }

  beginTurn(): void {
    this.#logged?.beginTurn();
  }

  read(): SourceBytes {
    if (this.#unlogged.length > 0) {
      this.#log(this.#unlogged);
      return new Uint8Array();
    }
    const count = this.#calls.read(this.fd.fd, this.#scratch);
    if (count === "again") return count;
    if (count === 0) return "end";
    const bytes = this.#scratch.subarray(0, count);
    this.#log(bytes);
    return bytes;
  }

  /** Logs an incomplete line; bytes that follow it are logged as a separate piece. */
  suspend(): number {
    this.end();
    return 0;
  }

  end(): void {
    this.#logged?.end(this.#unlogged);
    this.#unlogged = new Uint8Array();
  }

  #log(bytes: Uint8Array): void {
    if (this.#logged === undefined) return;
    const logged = this.#logged.splitter.push(bytes);
    this.#unlogged = logged < bytes.length ? bytes.slice(logged) : new Uint8Array();
  }
}
