/**
 * @module
 * Where a caller's output goes, written to by the engine, which nobody who doesn't read may hold up: no thread ever waits in
 * a write. A pipe or terminal is opened anew, as blocking is a matter of each opening; a socket is asked not to wait; a file
 * is written by the very opening that the caller has, whose offset others share.
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

/** How often a caller that was stopped is looked at, in ms. */
const STOPPED_POLL_MS = 100;

export interface ClientOutputOptions {
  readonly epoll: Pick<Epoll, "add" | "remove">;
  /** The caller has gone, and whoever waits with it. */
  readonly disconnected: AbortSignal;
  /** Whether the caller was stopped (Ctrl-Z): then nothing is written to its terminal. */
  readonly isStopped: () => boolean;
}

/** One of a caller's streams. */
export class ClientOutput implements Disposable {
  readonly #options: ClientOutputOptions;
  /** The caller's own opening. */
  readonly #shared: OwnedFd;
  /** What is written to: that, or another one of the same. Undefined: nobody is there who could read. */
  readonly #target: OwnedFd | undefined;
  readonly #take: (fd: number, bytes: Uint8Array) => number | "again" | Promise<number | "again">;
  readonly #isTty: boolean;
  #last: Promise<void> = Promise.resolve();
  #giveUp: (() => void) | undefined;
  #isOver = false;

  /** Owns `shared` from now on. */
  constructor(shared: OwnedFd, options: ClientOutputOptions) {
    using guard = new DisposableStack();
    this.#shared = guard.use(shared);
    this.#options = options;
    const { isFifo, isCharDevice, isSocket } = Deno.statSync(shared.procPath);
    this.#isTty = isCharDevice === true && sizeOf(shared.fd) !== undefined;
    this.#target = isFifo || isCharDevice ? openedAnew(shared) : shared;
    this.#take = isFifo || isCharDevice ? files.write : isSocket ? sockets.send : away.writeBlocking;
    options.disconnected.addEventListener("abort", () => this.#giveUp?.(), { once: true });
    guard.move();
  }

  /** Of a terminal. */
  get size(): WindowSize | undefined {
    return this.#isTty && !this.#isOver ? sizeOf(this.#shared.fd) : undefined;
  }

  /** Writes all of it, after what came before. @throws {OutputClosedError} when nobody reads, also when the caller goes */
  write(bytes: Uint8Array): Promise<void> {
    const written = this.#last.then(() => this.#writeAll(bytes));
    this.#last = written.catch(() => undefined);
    return written;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    // A thread that is about to write must not find somebody else's descriptor under that number.
    void this.#last.then(() => {
      this.#target?.close();
      this.#shared.close();
    });
    this.#giveUp?.();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#isTty) await this.#whileStopped();
      if (this.#isOver || this.#options.disconnected.aborted || this.#target === undefined) {
        throw new OutputClosedError();
      }
      const taken = await this.#taken(this.#target.fd, bytes.subarray(at));
      if (taken === "again") await this.#room(this.#target.fd);
      else at += taken;
    }
  }

  async #taken(fd: number, bytes: Uint8Array): Promise<number | "again"> {
    try {
      return await this.#take(fd, bytes);
    } catch (thrown) {
      throw failureOf(thrown);
    }
  }

  /** Resolves when it can take more, or nobody waits for that any longer. */
  #room(fd: number): Promise<void> {
    const { epoll } = this.#options;
    return new Promise((resolve) => {
      this.#giveUp = () => {
        this.#giveUp = undefined;
        epoll.remove(fd);
        resolve();
      };
      epoll.add(fd, EPOLL.OUT, this.#giveUp);
    });
  }

  async #whileStopped(): Promise<void> {
    while (!this.#isOver && !this.#options.disconnected.aborted && this.#options.isStopped()) {
      await new Promise((resolve) => setTimeout(resolve, STOPPED_POLL_MS));
    }
  }
}

/** ENXIO: a pipe without a reader, a terminal whose window was closed. */
function openedAnew(shared: OwnedFd): OwnedFd | undefined {
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

/** In the words of a process of its own. A terminal whose window was closed fails with EIO. */
function failureOf(thrown: unknown): unknown {
  if (isErrno(thrown, "EPIPE", "EIO") || isErrno(thrown, "ECONNRESET")) return new OutputClosedError();
  if (!(thrown instanceof SysError)) return thrown;
  const { reason, errno } = thrown;
  return new Error(`${reason[0].toUpperCase()}${reason.slice(1)} (os error ${errno})`, { cause: thrown });
}
