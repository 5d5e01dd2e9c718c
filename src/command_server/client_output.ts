/**
 * @module
 * A shell client's output, written by the engine without ever blocking a thread, so that a client that doesn't read
 * delays nothing. A pipe or terminal is reopened, because O_NONBLOCK belongs to the open file description; a socket is
 * written with MSG_DONTWAIT; a file is written by the client's own description, whose offset other processes share.
 */
import { OutputClosedError } from "../cli/mod.ts";
import {
  away,
  cString,
  EPOLL,
  type Epoll,
  files,
  isErrno,
  O,
  OwnedFd,
  sockets,
  SysError,
  terminals,
  type WindowSize,
} from "../sys/mod.ts";

/** Polling interval while the client is stopped, in ms. */
const STOPPED_POLL_MS = 100;

export interface ClientOutputOptions {
  readonly epoll: Pick<Epoll, "add" | "remove">;
  /** Aborted when the client exits. */
  readonly disconnected: AbortSignal;
  /** Whether the client is stopped (Ctrl-Z); nothing is written to its terminal then. */
  readonly isStopped: () => boolean;
}

/** An output stream of a shell client. */
export class ClientOutput implements Disposable {
  readonly #options: ClientOutputOptions;
  /** The client's open file description. */
  readonly #shared: OwnedFd;
  /** The description to write to: the client's, or a reopened one. Undefined if there is no reader. */
  readonly #target: OwnedFd | undefined;
  readonly #writeSome: (fd: number, bytes: Uint8Array) => number | "again" | Promise<number | "again">;
  readonly #isTty: boolean;
  #last: Promise<void> = Promise.resolve();
  #cancelWait: (() => void) | undefined;
  #isClosed = false;

  /** @param shared owned by the stream from now on */
  constructor(shared: OwnedFd, options: ClientOutputOptions) {
    using guard = new DisposableStack();
    this.#shared = guard.use(shared);
    this.#options = options;
    const { isFifo, isCharDevice, isSocket } = Deno.statSync(shared.procPath);
    this.#isTty = isCharDevice === true && sizeOf(shared.fd) !== undefined;
    this.#target = isFifo || isCharDevice ? reopen(shared) : shared;
    this.#writeSome = isFifo || isCharDevice ? files.write : isSocket ? sockets.send : away.writeBlocking;
    options.disconnected.addEventListener("abort", () => this.#cancelWait?.(), { once: true });
    guard.move();
  }

  /** Size of the terminal; undefined if it is none. */
  get size(): WindowSize | undefined {
    return this.#isTty && !this.#isClosed ? sizeOf(this.#shared.fd) : undefined;
  }

  /**
   * Writes everything, after earlier writes.
   * @throws {OutputClosedError} if there is no reader, or the client exits
   */
  write(bytes: Uint8Array): Promise<void> {
    const written = this.#last.then(() => this.#writeAll(bytes));
    this.#last = written.catch(() => undefined);
    return written;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    // The descriptor is closed after a write in progress, else a thread might write to another file with the same
    // number.
    void this.#last.then(() => {
      this.#target?.close();
      this.#shared.close();
    });
    this.#cancelWait?.();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#isTty) await this.#whileStopped();
      if (this.#isClosed || this.#options.disconnected.aborted || this.#target === undefined) {
        throw new OutputClosedError();
      }
      const taken = await this.#tryWrite(this.#target.fd, bytes.subarray(at));
      if (taken === "again") await this.#writable(this.#target.fd);
      else at += taken;
    }
  }

  async #tryWrite(fd: number, bytes: Uint8Array): Promise<number | "again"> {
    try {
      return await this.#writeSome(fd, bytes);
    } catch (thrown) {
      throw failureOf(thrown);
    }
  }

  /** Resolves when more can be written, or waiting is cancelled. */
  #writable(fd: number): Promise<void> {
    const { epoll } = this.#options;
    return new Promise((resolve) => {
      this.#cancelWait = () => {
        this.#cancelWait = undefined;
        epoll.remove(fd);
        resolve();
      };
      epoll.add(fd, EPOLL.OUT, this.#cancelWait);
    });
  }

  async #whileStopped(): Promise<void> {
    while (!this.#isClosed && !this.#options.disconnected.aborted && this.#options.isStopped()) {
      await new Promise((resolve) => setTimeout(resolve, STOPPED_POLL_MS));
    }
  }
}

/** ENXIO: a pipe without a reader; EIO: a terminal whose window was closed. */
function reopen(shared: OwnedFd): OwnedFd | undefined {
  try {
    return new OwnedFd(files.open(cString(shared.procPath), O.WRONLY | O.NONBLOCK | O.NOCTTY));
  } catch (thrown) {
    if (isErrno(thrown, "ENXIO") || isErrno(thrown, "EIO")) return undefined;
    throw thrown;
  }
}

function sizeOf(fd: number): WindowSize | undefined {
  try {
    return terminals.windowSize(fd);
  } catch (thrown) {
    if (thrown instanceof SysError) return undefined;
    throw thrown;
  }
}

/** Converts an error to what a separate process would report. A terminal whose window was closed fails with EIO. */
function failureOf(thrown: unknown): unknown {
  if (isErrno(thrown, "EPIPE", "EIO") || isErrno(thrown, "ECONNRESET")) return new OutputClosedError();
  if (!(thrown instanceof SysError)) return thrown;
  const { reason, errno } = thrown;
  return new Error(`${reason[0].toUpperCase()}${reason.slice(1)} (os error ${errno})`, { cause: thrown });
}
