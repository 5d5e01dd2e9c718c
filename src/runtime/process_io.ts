/**
 * @module
 * The standard streams of one container or exec'd process: FIFOs in a neutral folder, the log Worker's channel on the
 * output, a writer on the input. Clients may attach before there is a process; they then miss nothing.
 */
import { cString, type Epoll, type FileCalls, O, OwnedFd, type TreeCalls } from "../sys/mod.ts";
import type { Attachment, OutputHub, OutputListener } from "./logs/output_hub.ts";
import type { StdioPaths } from "./oci_runtime.ts";
import { StdinPipe } from "./stdin_pipe.ts";

export interface ProcessIoOptions {
  /** Container or exec id. */
  readonly key: string;
  /** Folder for the FIFOs; it exists when {@link ProcessIo.open} is called. */
  readonly dir: string;
  /** Whether the process has a standard input at all; without one it reads `/dev/null`. */
  readonly stdin: boolean;
  /** Output that nobody wants goes to `/dev/null`. */
  readonly output: boolean;
  /** json-file log of the output. */
  readonly logPath?: string;
}

/** What the streams need of the machine. */
export interface IoCalls {
  readonly files: Pick<FileCalls, "open" | "write">;
  readonly tree: Pick<TreeCalls, "mkfifoat">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
}

interface Pending {
  readonly listener: OutputListener;
  attachment?: Attachment;
  detached: boolean;
}

/** See the module's comment. Open it once; then `finish` or `discard`. */
export class ProcessIo {
  readonly #options: ProcessIoOptions;
  readonly #hub: OutputHub;
  readonly #calls: IoCalls;
  readonly #pending = new Set<Pending>();
  readonly #ended = Promise.withResolvers<void>();
  readonly stdin: StdinPipe | undefined;
  #opened = false;
  #guard: OwnedFd | undefined;

  constructor(options: ProcessIoOptions, hub: OutputHub, calls: IoCalls) {
    this.#options = options;
    this.#hub = hub;
    this.#calls = calls;
    this.stdin = options.stdin ? new StdinPipe(calls.files, calls.epoll) : undefined;
  }

  /** Makes the FIFOs and starts to read; the paths are for the runtime. @throws {TsdError} system_call, conflict */
  async open(): Promise<StdioPaths> {
    const { key, logPath } = this.#options;
    const paths = this.#makeFifos();
    if (this.#options.output) {
      const sources = [{ stream: "stdout", path: paths.stdout }, { stream: "stderr", path: paths.stderr }] as const;
      await this.#hub.open({ key, sources, ...(logPath === undefined ? {} : { logPath }) });
    }
    this.#opened = true;
    await Promise.all([...this.#pending].map((pending) => this.#connect(pending)));
    return paths;
  }

  /** Takes up streams whose process runs already (its engine went away); input that was open has ended with it. */
  async reopen(): Promise<void> {
    const { key, dir, logPath } = this.#options;
    const sources = [{ stream: "stdout", path: `${dir}/1` }, { stream: "stderr", path: `${dir}/2` }] as const;
    await this.#hub.open({ key, sources, ...(logPath === undefined ? {} : { logPath }) });
    this.stdin?.abandon();
    this.#opened = true;
    this.#hub.begin(key);
  }

  /** The process has its own descriptors now: its output is read, and the end of its input can be seen. */
  started(): void {
    this.#releaseGuard();
    this.#hub.begin(this.#options.key);
  }

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
    return this.#opened ? this.#connect(pending).then(() => attachment) : Promise.resolve(attachment);
  }

  /** Resolves when all output was delivered, or when there will be none. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The process has exited: waits for the end of its output, `graceMs` at most where others hold it open. */
  async finish(graceMs: number): Promise<void> {
    this.stdin?.abandon();
    this.#hub.finish(this.#options.key, graceMs);
    await this.#hub.ended(this.#options.key);
    this.#ended.resolve();
  }

  /** The process never ran. */
  async discard(): Promise<void> {
    this.#releaseGuard();
    this.stdin?.abandon();
    await this.#hub.discard(this.#options.key);
    this.#ended.resolve();
  }

  #releaseGuard(): void {
    this.#guard?.[Symbol.dispose]();
    this.#guard = undefined;
  }

  async #connect(pending: Pending): Promise<void> {
    if (pending.detached || !this.#hub.isOpen(this.#options.key)) return;
    pending.attachment = await this.#hub.attach(this.#options.key, pending.listener);
    if (pending.detached) pending.attachment.detach();
  }

  #makeFifos(): StdioPaths {
    const { dir, output } = this.#options;
    const fifo = (name: string) => {
      const path = `${dir}/${name}`;
      this.#calls.tree.mkfifoat(AT_ABSOLUTE, cString(path), 0o600);
      return path;
    };
    return {
      stdin: this.stdin === undefined ? "/dev/null" : this.#openStdin(fifo("0")),
      stdout: output ? fifo("1") : "/dev/null",
      stderr: output ? fifo("2") : "/dev/null",
    };
  }

  /** A read-write descriptor keeps the process's read-only open from blocking until it has its own. */
  #openStdin(path: string): string {
    const open = (flags: number) => new OwnedFd(this.#calls.files.open(cString(path), flags | O.CLOEXEC));
    this.#guard = open(O.RDWR);
    this.stdin?.open(open(O.WRONLY | O.NONBLOCK));
    return path;
  }
}

/** mkfifoat(2) ignores the folder for absolute paths. */
const AT_ABSOLUTE = -100;
