/**
 * @module
 * The standard streams of one container or exec process: the paths passed to the runtime, the log Worker's channel that
 * reads the output, and the writer of the input. Clients may attach before the process exists and then miss no output.
 * There are two implementations: `FifoIo` (FIFOs in {@link ProcessStdioOptions.dir}) and `TerminalIo` (a pty).
 */
import type { HeldFds } from "./fd_holder.ts";
import type { Attachment, OutputListener, StdioRouter } from "./logs/stdio_router.ts";
import type { LogSpec } from "./logs/protocol.ts";
import type { StdioPaths } from "./oci_runtime.ts";
import type { OwnedFd } from "../sys/mod.ts";
import type { StdinPipe } from "./stdin_pipe.ts";

/** Options of both implementations. */
export interface ProcessStdioOptions {
  /** Container or exec id. */
  readonly key: string;
  /** Directory for FIFOs and sockets; must exist when {@link ProcessStdio.open} is called. */
  readonly dir: string;
  /** Whether the process has a standard input; without one it reads `/dev/null`. A terminal always has one. */
  readonly stdin: boolean;
  /** Whether the output is captured; otherwise it goes to `/dev/null`. */
  readonly output: boolean;
  /** The json-file log that the output is written to. */
  readonly log?: LogSpec;
}

/** The streams as they are passed to the runtime. */
export interface RuntimeStreams {
  readonly stdio: StdioPaths;
  /** Path of the unix socket to which the runtime sends the pty's master, for a terminal. */
  readonly consoleSocket?: string;
}

/** Descriptors that an fd holder retained after the engine that had opened them exited. */
export type RetainedStreams = Omit<HeldFds<OwnedFd>, "pidFd">;

/** The size of a terminal in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

interface Pending {
  readonly listener: OutputListener;
  attachment?: Attachment;
  detached: boolean;
}

/**
 * The standard streams of one process. To use them, call {@link ProcessStdio.open} and pass the result to the runtime;
 * call {@link ProcessStdio.started} once the runtime has created the process, and {@link ProcessStdio.finish} after the
 * process has exited, or {@link ProcessStdio.discard} if it never ran. For a process that already runs, call
 * {@link ProcessStdio.reopen} instead of `open` and `started`.
 */
export abstract class ProcessStdio {
  readonly #pending = new Set<Pending>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  #connected = false;

  protected constructor(protected readonly options: ProcessStdioOptions, protected readonly router: StdioRouter) {}

  /** Whether the streams belong to a terminal: a single output stream, sent unframed, and a size. */
  abstract readonly tty: boolean;
  /** The writing end of the input; undefined if the process has no input. */
  abstract readonly stdin: StdinPipe | undefined;

  /** Creates the FIFOs or the console socket that the runtime needs. @throws {TsdError} system_call, conflict */
  abstract open(): Promise<RuntimeStreams>;

  /** Resumes the streams of a process that an earlier engine started. Takes ownership of the retained descriptors. */
  abstract reopen(retained: RetainedStreams): Promise<void>;

  /**
   * Begins to read the output, after the runtime has created the process. From then on closing stdin is end of file.
   */
  abstract started(): Promise<void>;

  /** Sets the size of the terminal, or the initial size before the start. Does nothing without a terminal. */
  abstract resize(size: TerminalSize): void;

  /**
   * Returns the descriptors that an fd holder must retain so that the process survives this engine. They are valid as
   * of this call, and this object still owns them.
   */
  abstract heldFds(): HeldFds<number>;

  /** Closes the descriptors that this engine holds. */
  protected abstract release(): void;

  /**
   * Adds a listener, before or after the start. The listener gets all output from the time when the promise resolves.
   */
  attach(listener: OutputListener): Promise<Attachment> {
    const pending: Pending = { listener, detached: false };
    this.#pending.add(pending);
    const attachment = {
      detach: () => {
        pending.detached = true;
        this.#pending.delete(pending);
        pending.attachment?.detach();
      },
    };
    return this.#connected ? this.#connect(pending).then(() => attachment) : Promise.resolve(attachment);
  }

  /** Resolves once all output has been delivered, or once there will be none. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Aborted when {@link ProcessStdio.ended} resolves. Short-lived clients use the signal because they can remove their
   * listener, while a promise retains every reaction until it settles.
   */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Closes the streams after the process has exited: waits until its output has been read and logged. Attached clients
   * may receive the last bytes later; to wait for that, use {@link ProcessStdio.ended}.
   * @param graceMs the longest time to wait, in ms, while other processes hold the output open
   */
  async finish(graceMs: number): Promise<void> {
    const { key } = this.options;
    this.stdin?.abandon();
    const delivered = this.router.ended(key);
    this.router.finish(key, graceMs);
    await this.router.complete(key);
    this.release();
    void delivered.then(() => this.#end());
  }

  /** Closes the streams of a process that never ran; unread output is dropped. */
  async discard(): Promise<void> {
    this.stdin?.abandon();
    await this.router.discard(this.options.key);
    this.release();
    this.#end();
  }

  #end(): void {
    this.#ended.resolve();
    this.#over.abort();
  }

  /** Connects all listeners that attached so far. To be called once the channel is open. */
  protected async connectAll(): Promise<void> {
    this.#connected = true;
    await Promise.all([...this.#pending].map((pending) => this.#connect(pending)));
  }

  async #connect(pending: Pending): Promise<void> {
    if (pending.detached || !this.router.isOpen(this.options.key)) return;
    pending.attachment = await this.router.attach(this.options.key, pending.listener);
    if (pending.detached) pending.attachment.detach();
  }
}
