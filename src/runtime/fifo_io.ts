/**
 * @module
 * Streams without a terminal: FIFOs that the process opens itself. It opens the output read-write, so that a missing
 * reader doesn't kill it with SIGPIPE, and the input read-only, so that it gets end of file when the engine closes its
 * end.
 */
import { AT, cString, type Epoll, type FileCalls, isErrno, O, OwnedFd, type TreeCalls } from "../sys/mod.ts";
import type { HeldFds } from "./fd_holder.ts";
import type { StdioRouter } from "./logs/stdio_router.ts";
import type { StreamName } from "./logs/json_lines.ts";
import type { StdioPaths } from "./oci_runtime.ts";
import { ProcessStdio, type ProcessStdioOptions, type RetainedStreams, type RuntimeStreams } from "./stdio.ts";
import { StdinPipe } from "./stdin_pipe.ts";

/** The system calls that FIFO streams need. */
export interface FifoCalls {
  readonly files: Pick<FileCalls, "open" | "write">;
  readonly tree: Pick<TreeCalls, "mkfifoat">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
}

/** The streams of a process without a terminal. */
export class FifoIo extends ProcessStdio {
  readonly tty = false;
  readonly stdin: StdinPipe | undefined;
  readonly #calls: FifoCalls;
  #guard: OwnedFd | undefined;
  /** Reading ends of the output for the fd holder, which retains them after this engine exits. Never read from. */
  #readers: { stdout?: OwnedFd | undefined; stderr?: OwnedFd | undefined } = {};
  /** Whether its output has ended: nobody would close a reading end that is opened after that. */
  #isReleased = false;

  constructor(options: ProcessStdioOptions, router: StdioRouter, calls: FifoCalls) {
    super(options, router);
    this.#calls = calls;
    this.stdin = options.stdin ? new StdinPipe(calls.files, calls.epoll) : undefined;
  }

  async open(): Promise<RuntimeStreams> {
    const stdio = this.#makeFifos();
    if (this.options.output) await this.#openChannel();
    await this.connectAll();
    return { stdio };
  }

  async reopen({ stdin, stdout, stderr, terminal }: RetainedStreams): Promise<void> {
    terminal?.[Symbol.dispose]();
    this.#readers = { stdout, stderr };
    if (stdin === undefined) this.stdin?.abandon();
    else if (this.stdin === undefined) stdin[Symbol.dispose]();
    else this.stdin.open(stdin);
    // Retained descriptors are preferred to paths: they work even if the directory was removed.
    if (this.options.output) await this.#openChannel({ stdout: stdout?.procPath, stderr: stderr?.procPath });
    await this.connectAll();
    this.router.begin(this.options.key);
  }

  started(): Promise<void> {
    this.#closeGuard();
    this.router.begin(this.options.key);
    return Promise.resolve();
  }

  resize(): void {}

  heldFds(): HeldFds<number> {
    const stdin = this.stdin?.fd;
    if (this.options.output && !this.#isReleased) {
      this.#readers.stdout ??= this.#reader("1");
      this.#readers.stderr ??= this.#reader("2");
    }
    const readers = Object.entries(this.#readers).filter(([, reader]) => reader !== undefined);
    return {
      ...(stdin !== undefined && { stdin }),
      ...Object.fromEntries(readers.map(([stream, reader]) => [stream, reader!.fd])),
    };
  }

  protected release(): void {
    this.#isReleased = true;
    this.#closeGuard();
    for (const reader of Object.values(this.#readers)) reader?.close();
    this.#readers = {};
  }

  #closeGuard(): void {
    this.#guard?.[Symbol.dispose]();
    this.#guard = undefined;
  }

  async #openChannel(paths: Partial<Record<StreamName, string | undefined>> = {}): Promise<void> {
    const { key, dir, log } = this.options;
    const sources = [
      { stream: "stdout", path: paths.stdout ?? `${dir}/1` },
      { stream: "stderr", path: paths.stderr ?? `${dir}/2` },
    ] as const;
    await this.router.open({ key, sources, ...(log && { log }) });
  }

  /** Opens a reading end of an output; undefined if the FIFO was removed. */
  #reader(name: string): OwnedFd | undefined {
    try {
      return new OwnedFd(this.#calls.files.open(cString(`${this.options.dir}/${name}`), O.RDONLY | O.NONBLOCK));
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return undefined;
      throw thrown;
    }
  }

  #makeFifos(): StdioPaths {
    const { dir, output } = this.options;
    const fifo = (name: string) => {
      const path = `${dir}/${name}`;
      this.#calls.tree.mkfifoat(AT.FDCWD, cString(path), 0o600);
      return path;
    };
    return {
      stdin: this.stdin === undefined ? "/dev/null" : this.#openStdin(fifo("0"), this.stdin),
      stdout: output ? fifo("1") : "/dev/null",
      stderr: output ? fifo("2") : "/dev/null",
    };
  }

  /**
   * Opens the writing end of stdin. The read-write guard keeps the FIFO open at both ends until the process has opened
   * it: a read-only open would block without a writer, and a non-blocking open for writing would fail without a reader.
   */
  #openStdin(path: string, stdin: StdinPipe): string {
    const open = (flags: number) => new OwnedFd(this.#calls.files.open(cString(path), flags));
    this.#guard = open(O.RDWR);
    stdin.open(open(O.WRONLY | O.NONBLOCK));
    return path;
  }
}
