/**
 * @module
 * Where an OCI runtime sends the master of the pty that it made for a container (`--console-socket`, runc's
 * docs/terminals.md): a unix socket in the container's run folder, one message with one descriptor.
 *
 * A runtime may fail without sending anything, and one that fails late may have sent a terminal all the same. So whoever
 * started it aborts {@link ConsoleSocket.receive} when it ended badly, and decides by its exit alone.
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

/** What a console socket needs of the machine. */
export interface ConsoleCalls {
  readonly sockets: SocketCalls;
  readonly files: Pick<FileCalls, "close">;
  readonly metadata: Pick<MetadataCalls, "fchmod">;
  readonly pipes: Pick<PipeCalls, "setNonBlocking">;
  readonly terminals: Pick<TerminalCalls, "windowSize">;
  readonly tree: Pick<TreeCalls, "unlinkat">;
}

/** When to stop waiting. */
export interface ReceiveLimits {
  readonly signal?: AbortSignal;
  /** From now. */
  readonly deadlineMs?: number;
}

const REAL: ConsoleCalls = { sockets, files, metadata, pipes, terminals, tree };
const BACKLOG = 4;
const OWNER_ONLY = 0o600;

/** A listening socket, for one terminal. Dispose of it once the terminal has come, or can't come any more. */
export class ConsoleSocket implements Disposable {
  /** For the runtime's `--console-socket`. */
  readonly path: string;
  readonly #listener: OwnedFd;
  readonly #epoll: Pick<Epoll, "add" | "remove">;
  readonly #calls: ConsoleCalls;
  #reception: Reception | undefined;

  /**
   * Begins to listen. What is at `path` (an engine that was killed left it) is replaced.
   * @param path in a folder that is root's alone; 107 bytes at most
   * @throws {TsdError} invalid_argument, system_call
   */
  constructor(path: string, epoll: Pick<Epoll, "add" | "remove">, calls: ConsoleCalls = REAL) {
    this.path = path;
    this.#epoll = epoll;
    this.#calls = calls;
    using undo = new DisposableStack();
    this.#listener = undo.use(new OwnedFd(calls.sockets.unixSocket(), calls.files));
    // Before it has a name, so that the file never has other permissions.
    calls.metadata.fchmod(this.#listener.fd, OWNER_ONLY);
    this.#bind();
    calls.sockets.listen(this.#listener.fd, BACKLOG);
    undo.move();
  }

  /**
   * The master: it doesn't block, has close-on-exec, and is the caller's to close. Call it once, before or after the runtime
   * has sent it. Nobody has to be waiting when it fails.
   * @throws {TsdError} timeout, runtime_failed (something else came), cancelled (disposed of); the signal's reason
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

  /** Calls `step` when there is something to take; what it throws is what {@link receive} fails with. */
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
      if (message !== "again") reception.give(this.#terminalOf(message));
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

/** One call of `receive`: the first outcome counts, and ends all waiting at once. */
class Reception {
  readonly #master = Promise.withResolvers<OwnedFd>();
  readonly cleanUp = new DisposableStack();

  constructor() {
    this.#master.promise.catch(() => {});
  }

  get master(): Promise<OwnedFd> {
    return this.#master.promise;
  }

  give(master: OwnedFd): void {
    this.cleanUp.dispose();
    this.#master.resolve(master);
  }

  fail(reason: unknown): void {
    this.cleanUp.dispose();
    this.#master.reject(reason);
  }

  limit(signal: AbortSignal | undefined, deadlineMs: number | undefined): void {
    const aborted = () => this.fail(signal?.reason);
    signal?.addEventListener("abort", aborted);
    this.cleanUp.defer(() => signal?.removeEventListener("abort", aborted));
    if (deadlineMs === undefined) return;
    const expired = () => this.fail(new TsdError("timeout", `No terminal came within ${deadlineMs / 1000} s`));
    const timer = setTimeout(expired, deadlineMs);
    this.cleanUp.defer(() => clearTimeout(timer));
  }
}
