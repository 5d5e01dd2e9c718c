/**
 * @module
 * The streams of a process with a terminal: the runtime creates a pty inside the container and sends its master to a
 * console socket. The log Worker reads from one duplicate of the master and stdin writes to another; the master itself
 * serves to set the size.
 */
import { type Epoll, type FileCalls, type OwnedFd, pipes } from "../sys/mod.ts";
import type { HeldFds } from "./fd_holder.ts";
import type { StdioRouter } from "./logs/stdio_router.ts";
import {
  ProcessStdio,
  type ProcessStdioOptions,
  type RetainedStreams,
  type RuntimeStreams,
  type TerminalSize,
} from "./stdio.ts";
import { StdinPipe } from "./stdin_pipe.ts";
import { ConsoleSocket } from "./terminal/console_socket.ts";
import { resizeTerminal, terminalInput } from "./terminal/terminal.ts";

/** Options of a process with a terminal. */
export interface TerminalIoOptions extends Omit<ProcessStdioOptions, "output" | "stdin"> {
  /**
   * Path of the console socket, at most 107 bytes. Its directory is accessible to root only and must exist when
   * {@link TerminalIo.open} is called.
   */
  readonly consoleSocket: string;
  /** The initial size; without it the size is 0×0, which programs treat as unknown. */
  readonly size?: TerminalSize | undefined;
}

/** The system calls that a terminal needs. */
export interface TerminalIoCalls {
  readonly files: Pick<FileCalls, "write">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
}

/** The runtime has sent the master before it exits; this is the time allowed for epoll to report it, in ms. */
const RECEIVE_LIMIT_MS = 10_000;

/** A runtime doesn't use its own standard streams when the process has a terminal. */
const NO_STDIO = { stdin: "/dev/null", stdout: "/dev/null", stderr: "/dev/null" } as const;

/** The streams of a process with a terminal. */
export class TerminalIo extends ProcessStdio {
  readonly tty = true;
  readonly stdin: StdinPipe;
  readonly #calls: TerminalIoCalls;
  readonly #socketPath: string;
  #size: TerminalSize | undefined;
  #socket: ConsoleSocket | undefined;
  #master: OwnedFd | undefined;

  constructor({ consoleSocket, size, ...options }: TerminalIoOptions, router: StdioRouter, calls: TerminalIoCalls) {
    super({ ...options, stdin: true, output: true }, router);
    this.#calls = calls;
    this.#socketPath = consoleSocket;
    this.#size = size;
    this.stdin = new StdinPipe(calls.files, calls.epoll);
  }

  open(): Promise<RuntimeStreams> {
    this.#socket = new ConsoleSocket(this.#socketPath, this.#calls.epoll);
    return Promise.resolve({ stdio: NO_STDIO, consoleSocket: this.#socket.path });
  }

  /** @throws {TsdError} timeout, runtime_failed, system_call */
  async started(): Promise<void> {
    // Received only now: the message waits in the socket, and a runtime that failed may have sent a master
    // nevertheless.
    this.#master = await this.#socket!.receive({ deadlineMs: RECEIVE_LIMIT_MS });
    this.#closeSocket();
    this.#applySize();
    await this.#connect(this.#master);
  }

  async reopen({ stdin, terminal }: RetainedStreams): Promise<void> {
    stdin?.[Symbol.dispose]();
    this.#master = terminal;
    if (terminal !== undefined) return await this.#connect(terminal);
    // No process held the master any more, so the kernel has hung up the terminal.
    this.stdin.abandon();
    await this.connectAll();
  }

  /** @throws {TsdError} invalid_argument */
  resize(size: TerminalSize): void {
    this.#size = size;
    this.#applySize();
  }

  heldFds(): HeldFds<number> {
    return this.#master === undefined ? {} : { terminal: this.#master.fd };
  }

  protected release(): void {
    this.#closeSocket();
    this.#master?.[Symbol.dispose]();
    this.#master = undefined;
  }

  #applySize(): void {
    if (this.#size !== undefined && this.#master !== undefined) {
      resizeTerminal(this.#master.fd, this.#size.rows, this.#size.columns);
    }
  }

  #closeSocket(): void {
    this.#socket?.[Symbol.dispose]();
    this.#socket = undefined;
  }

  async #connect(master: OwnedFd): Promise<void> {
    const { key, log } = this.options;
    this.stdin.open(terminalInput(master.fd));
    // The Worker takes ownership of this duplicate.
    const source = { stream: "stdout", fd: pipes.duplicate(master.fd) } as const;
    await this.router.open({ key, sources: [source], ...(log && { log }) });
    await this.connectAll();
    this.router.begin(key);
  }
}
