/**
 * @module
 * The socket to which an OCI runtime sends the master of the pty that it created for a container (`--console-socket`,
 * runc's docs/terminals.md): a unix socket in the container's run directory, one message with one descriptor.
 *
 * A runtime may fail without sending anything, and one that fails late may have sent a terminal nevertheless. So the
 * caller decides by the runtime's exit alone, and aborts {@link ConsoleSocket.receive} when the runtime failed.
 */
import { TsdError } from "../../errors.ts";
import {
  AT,
  cString,
  EPOLL,
  type Epoll,
  type FileCalls,
  files,
  isErrno,
  metadata,
  type MetadataCalls,
  OwnedFd,
  type PipeCalls,
  pipes,
  type ReceivedFd,
  type SocketCalls,
  sockets,
  type TerminalCalls,
  terminals,
  tree,
  type TreeCalls,
} from "../../sys/mod.ts";

/** The system calls that a console socket needs. */
export interface ConsoleCalls {
  readonly sockets: SocketCalls;
  readonly files: Pick<FileCalls, "close">;
  readonly metadata: Pick<MetadataCalls, "fchmod">;
  readonly pipes: Pick<PipeCalls, "setNonBlocking">;
  readonly terminals: Pick<TerminalCalls, "windowSize">;
  readonly tree: Pick<TreeCalls, "unlinkat">;
}

/** Limits of {@link ConsoleSocket.receive}. */
export interface ReceiveLimits {
  readonly signal?: AbortSignal;
  /** Timeout from the call, in ms. */
  readonly deadlineMs?: number;
}

const SYSTEM_CALLS: ConsoleCalls = { sockets, files, metadata, pipes, terminals, tree };
const BACKLOG = 4;
const OWNER_ONLY = 0o600;

/**
 * A listening socket that receives one terminal. Dispose of it once the terminal has arrived, or can't arrive any more.
 */
export class ConsoleSocket implements Disposable {
  /** Value for the runtime's `--console-socket`. */
  readonly path: string;
  readonly #listener: OwnedFd;
  readonly #epoll: Pick<Epoll, "add" | "remove">;
  readonly #calls: ConsoleCalls;
  #reception: Reception | undefined;

  /**
   * Starts to listen. Replaces an existing file at `path`, which an engine that was killed has left behind.
   * @param path at most 107 bytes, in a directory that only root can access
   * @throws {TsdError} invalid_argument, system_call
   */
  constructor(path: string, epoll: Pick<Epoll, "add" | "remove">, calls: ConsoleCalls = SYSTEM_CALLS) {
    this.path = path;
    this.#epoll = epoll;
    this.#calls = calls;
    using undo = new DisposableStack();
    this.#listener = undo.use(new OwnedFd(calls.sockets.unixSocket(), calls.files));
    // Before bind(2), so that the file never has other permissions.
    calls.metadata.fchmod(this.#listener.fd, OWNER_ONLY);
    this.#bind();
    calls.sockets.listen(this.#listener.fd, BACKLOG);
    undo.move();
  }

  /**
   * Receives the master, non-blocking and close-on-exec; the caller closes it. Call this once, before or after the
   * runtime has sent it. The promise may be dropped: its rejection is never unhandled.
   * @throws {TsdError} timeout, runtime_failed (the message was no terminal), cancelled (disposed of)
   * @throws the reason of `signal`
   */
  receive({ signal, deadlineMs }: ReceiveLimits = {}): Promise<OwnedFd> {
    if (this.#reception !== undefined) throw new Error("A console socket receives one terminal");
    const reception = this.#reception = new Reception();
    if (signal?.aborted) reception.fail(signal.reason);
    else {
      this.#watch(this.#listener.fd, reception, () => this.#accept(reception));
      reception.limit(signal, deadlineMs);
    }
    return reception.master;
  }

  [Symbol.dispose](): void {
    if (this.#listener.closed) return;
    this.#reception?.fail(new TsdError("cancelled", "The console socket was closed before a terminal came"));
    this.#listener.close();
    this.#unlink();
  }

  #bind(): void {
    try {
      this.#calls.sockets.bindUnix(this.#listener.fd, this.path);
    } catch (thrown) {
      if (!isErrno(thrown, "EADDRINUSE")) throw thrown;
      this.#unlink();
      this.#calls.sockets.bindUnix(this.#listener.fd, this.path);
    }
  }

  #unlink(): void {
    try {
      this.#calls.tree.unlinkat(AT.FDCWD, cString(this.path));
    } catch (thrown) {
      if (!isErrno(thrown, "ENOENT")) throw thrown;
    }
  }

  /** Calls `step` whenever `fd` is readable. If `step` throws, {@link receive} rejects with that error. */
  #watch(fd: number, reception: Reception, step: () => void): void {
    this.#epoll.add(fd, EPOLL.IN, () => {
      try {
        step();
      } catch (thrown) {
        reception.fail(thrown);
      }
    });
    reception.cleanUp.defer(() => this.#epoll.remove(fd));
  }

  #accept(reception: Reception): void {
    const fd = this.#calls.sockets.accept(this.#listener.fd);
    if (fd === "again") return;
    const connection = reception.cleanUp.use(new OwnedFd(fd, this.#calls.files));
    this.#watch(fd, reception, () => {
      const message = this.#calls.sockets.receiveFd(connection.fd);
      if (message !== "again") reception.succeed(this.#terminalOf(message));
    });
  }

  #terminalOf({ fd }: ReceivedFd): OwnedFd {
    if (fd === undefined) {
      throw new TsdError("runtime_failed", `The runtime connected to ${this.path} and sent no terminal`);
    }
    using undo = new DisposableStack();
    const master = undo.use(new OwnedFd(fd, this.#calls.files));
    try {
      this.#calls.terminals.windowSize(fd);
    } catch (cause) {
      if (!isErrno(cause, "ENOTTY")) throw cause;
      throw new TsdError("runtime_failed", `What the runtime sent to ${this.path} is no terminal`, { cause });
    }
    this.#calls.pipes.setNonBlocking(fd, true);
    undo.move();
    return master;
  }
}

/** One call of `receive`. The first outcome settles it and stops all waiting. */
class Reception {
  readonly #master = Promise.withResolvers<OwnedFd>();
  readonly cleanUp = new DisposableStack();

  constructor() {
    this.#master.promise.catch(() => {});
  }

  get master(): Promise<OwnedFd> {
    return this.#master.promise;
  }

  succeed(master: OwnedFd): void {
    this.cleanUp.dispose();
    this.#master.resolve(master);
  }

  fail(reason: unknown): void {
    this.cleanUp.dispose();
    this.#master.reject(reason);
  }

  limit(signal: AbortSignal | undefined, deadlineMs: number | undefined): void {
    const abort = () => this.fail(signal?.reason);
    signal?.addEventListener("abort", abort);
    this.cleanUp.defer(() => signal?.removeEventListener("abort", abort));
    if (deadlineMs === undefined) return;
    const expire = () => this.fail(new TsdError("timeout", `No terminal came within ${deadlineMs / 1000} s`));
    const timer = setTimeout(expire, deadlineMs);
    this.cleanUp.defer(() => clearTimeout(timer));
  }
}
