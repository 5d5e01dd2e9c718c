/**
 * @module
 * The standard streams of one container or exec'd process: what the runtime is given, the log Worker's channel on the
 * output, a writer on the input. Clients may attach before there is a process; they then miss nothing. Two kinds:
 * `FifoIo` (FIFOs in a neutral folder) and `TerminalIo` (a pty).
 */
import type { Held } from "./fd_holder.ts";
import type { Attachment, OutputListener, StdioRouter } from "./logs/stdio_router.ts";
import type { LogSpec } from "./logs/protocol.ts";
import type { StdioPaths } from "./oci_runtime.ts";
import type { OwnedFd } from "../sys/mod.ts";
import type { StdinPipe } from "./stdin_pipe.ts";

/** What both kinds are told. */
export interface ProcessStdioOptions {
  /** Container or exec id. */
  readonly key: string;
  /** Folder for FIFOs and sockets; it exists when {@link ProcessStdio.open} is called. */
  readonly dir: string;
  /** Whether the process has a standard input at all; without one it reads `/dev/null` (a terminal always has one). */
  readonly stdin: boolean;
  /** Output that nobody wants goes to `/dev/null`. */
  readonly output: boolean;
  /** json-file log of the output. */
  readonly log?: LogSpec;
}

/** What the runtime needs for a process's streams. */
export interface RuntimeStreams {
  readonly stdio: StdioPaths;
  /** Where the runtime sends the pty's master to, for a terminal. */
  readonly consoleSocket?: string;
}

/** Descriptors that outlived the engine that had opened them: a keeper held them. */
export type RetainedStreams = Omit<Held<OwnedFd>, "pidFd">;

/** In characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

interface Pending {
  readonly listener: OutputListener;
  attachment?: Attachment;
  detached: boolean;
}

/** See the module's comment. Open it once; then `started`, and at the end `finish` (or `discard`). */
export abstract class ProcessStdio {
  readonly #pending = new Set<Pending>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  #connected = false;

  protected constructor(protected readonly options: ProcessStdioOptions, protected readonly hub: StdioRouter) {}

  /** Whether the streams are a terminal's: one output, not framed, with a size. */
  abstract readonly tty: boolean;
  /** The writing end of the input. */
  abstract readonly stdin: StdinPipe | undefined;

  /** Makes what the runtime needs. @throws {TsdError} system_call, conflict */
  abstract open(): Promise<RuntimeStreams>;

  /** Takes up the streams of a process that runs already (its engine went away); owns what was kept from then on. */
  abstract reopen(kept: RetainedStreams): Promise<void>;

  /** The runtime has made the process: its output is read from now on, and the end of its input can be seen. */
  abstract started(): Promise<void>;

  /** Sets a terminal's size, now or at its start; without a terminal it does nothing. */
  abstract resize(size: TerminalSize): void;

  /** What somebody else has to hold as well, so that the process outlives this engine; as of now, and still owned here. */
  abstract heldFds(): Held<number>;

  /** Lets go of what only this engine holds. */
  protected abstract release(): void;

  /** Adds a listener, before or after the start. From the moment this resolves it misses nothing. */
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

  /** Resolves when all output was delivered, or when there will be none. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Aborted then: whoever comes and goes can stop listening to it, while a promise remembers all who ever asked. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * The process has exited: waits for the end of its output, `graceMs` at most where others hold it open. Whoever is
   * attached may still be given some of it, which nobody but they themselves wait for: see {@link ProcessStdio.ended}.
   */
  async finish(graceMs: number): Promise<void> {
    const { key } = this.options;
    this.stdin?.abandon();
    const delivered = this.hub.ended(key);
    this.hub.finish(key, graceMs);
    await this.hub.complete(key);
    this.release();
    void delivered.then(() => this.#end());
  }

  /** The process never ran. */
  async discard(): Promise<void> {
    this.stdin?.abandon();
    await this.hub.discard(this.options.key);
    this.release();
    this.#end();
  }

  #end(): void {
    this.#ended.resolve();
    this.#over.abort();
  }

  /** To be called once the channel is open: everybody who attached so far is connected. */
  protected async connectAll(): Promise<void> {
    this.#connected = true;
    await Promise.all([...this.#pending].map((pending) => this.#connect(pending)));
  }

  async #connect(pending: Pending): Promise<void> {
    if (pending.detached || !this.hub.isOpen(this.options.key)) return;
    pending.attachment = await this.hub.attach(this.options.key, pending.listener);
    if (pending.detached) pending.attachment.detach();
  }
}
