/**
 * @module
 * One stream of a channel: its bytes go into the log, and then to whoever is attached. Of a FIFO with a log they are taken
 * only once they are written, so that an engine that is killed leaves them to the next one; of a pty, or without a log,
 * reading takes them.
 */
import type { OwnedFd } from "../../sys/mod.ts";
import type { ChannelLog } from "./channel_log.ts";
import type { StreamName } from "./json_lines.ts";
import { LineSplitter } from "./line_splitter.ts";

/** How bytes are read. */
export interface SourceCalls {
  /** Reads into `buffer`; 0 is the end. */
  read(fd: number, buffer: Uint8Array): number | "again";
  /** As `read`, of a FIFO, but the bytes stay until they are taken. */
  peek(fd: number, buffer: Uint8Array): number | "again";
  take(fd: number, count: number): void;
  /** Lets the FIFO hold more, if that is allowed. */
  enlarge(fd: number): void;
}

/** What came: bytes that are new to whoever is attached (valid until the next read), nothing now, or the end. */
export type SourceBytes = Uint8Array | "again" | "end";

/** See the module's comment. */
export interface ChannelSource {
  readonly stream: StreamName;
  readonly fd: OwnedFd;
  /** A turn of reading begins: its records get the present time. */
  beginTurn(): void;
  /** The next bytes, which are logged by then, as far as the log takes them now. */
  read(): SourceBytes;
  /** The engine leaves: logs what nobody else could read any more. How many bytes of the rest were handed out already? */
  suspend(): number;
  /** There is no more: logs what is left, also a line without its end. */
  end(): void;
}

/** Cuts a stream's bytes into records. */
class LoggedStream {
  readonly cutter: LineSplitter;
  readonly #log: ChannelLog;
  readonly #stream: StreamName;
  #suffix: Uint8Array = new Uint8Array();

  constructor(log: ChannelLog, stream: StreamName) {
    this.#log = log;
    this.#stream = stream;
    this.cutter = new LineSplitter((piece, kind) => log.add(piece, kind, this.#suffix));
  }

  beginTurn(): void {
    this.#suffix = this.#log.suffix(this.#stream);
  }

  /** Logs all, whether or not a reader holds the log: an end doesn't wait. */
  end(bytes: Uint8Array): void {
    this.beginTurn();
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(this.cutter.push(rest));
    this.cutter.end();
  }
}

/** A FIFO whose bytes stay in it until they are in the log; a line without its end stays there too. */
export class BufferedFifo implements ChannelSource {
  readonly #calls: SourceCalls;
  readonly #log: ChannelLog;
  readonly #logged: LoggedStream;
  readonly #scratch: Uint8Array;
  /** So many of the bytes that are left in the FIFO were seen before. */
  #seenBytes: number;
  #isHeld = false;
  #isEnlarged = false;

  constructor(
    readonly stream: StreamName,
    readonly fd: OwnedFd,
    log: ChannelLog,
    calls: SourceCalls,
    scratch: Uint8Array,
    seenBytes = 0,
  ) {
    this.#seenBytes = seenBytes;
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
    if (bytes.length === this.#seenBytes && !this.#isHeld) return "again";
    const { cutter } = this.#logged;
    const pushed = cutter.push(bytes);
    this.#isHeld = pushed < bytes.length;
    const logged = pushed - cutter.forgetRest();
    this.#take(logged);
    const fresh = bytes.subarray(this.#seenBytes);
    this.#seenBytes = bytes.length - logged;
    return fresh;
  }

  suspend(): number {
    return this.#seenBytes;
  }

  end(): void {
    const bytes = this.#peek();
    const left = typeof bytes === "string" ? new Uint8Array() : bytes;
    this.#logged.end(left);
    this.#take(left.length);
  }

  /** What is logged is written before it is taken. */
  #take(count: number): void {
    this.#log.write();
    this.#calls.take(this.fd.fd, count);
  }

  #peek(): SourceBytes {
    const count = this.#calls.peek(this.fd.fd, this.#scratch);
    if (count === "again") return count;
    if (count === 0) return "end";
    // A loud writer would have to wait while its bytes are written and still fill the FIFO.
    if (count === this.#scratch.length && !this.#isEnlarged) {
      this.#isEnlarged = true;
      this.#calls.enlarge(this.fd.fd);
    }
    return this.#scratch.subarray(0, count);
  }
}

/** A pty, or a stream that isn't logged. */
export class Passthrough implements ChannelSource {
  readonly #calls: SourceCalls;
  readonly #logged: LoggedStream | undefined;
  readonly #scratch: Uint8Array;
  /** What was read when the log took no more. */
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

  /** What comes later goes on in a piece of its own. */
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
    const logged = this.#logged.cutter.push(bytes);
    this.#unlogged = logged < bytes.length ? bytes.slice(logged) : new Uint8Array();
  }
}
