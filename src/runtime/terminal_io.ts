/**
 * @module
 * The streams of a process with a terminal: the runtime makes a pty inside the container and sends its master to a console
 * socket. One duplicate of the master is read by the log Worker, one is written to; the master itself is kept for the size.
 */
import { type Epoll, type FileCalls, type OwnedFd, pipes } from "../sys/mod.ts";
import type { Held } from "./fd_holder.ts";
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

/** What is told besides. */
export interface TerminalIoOptions extends Omit<ProcessStdioOptions, "output" | "stdin"> {
  /** In a folder that is root's alone and exists when {@link TerminalIo.open} is called; 107 bytes at most. */
  readonly consoleSocket: string;
  /** From the start; programs take 0×0 for unknown. */
  readonly size?: TerminalSize | undefined;
}

/** What a terminal needs of the machine. */
export interface TerminalIoCalls {
  readonly files: Pick<FileCalls, "write">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
}

/** The runtime has sent the master when it ends; this is for its bytes to be noticed, in ms. */
const RECEIVE_LIMIT_MS = 10_000;

/** What runtimes do with standard streams of their own, besides the terminal: nothing. */
const NO_STDIO = { stdin: "/dev/null", stdout: "/dev/null", stderr: "/dev/null" } as const;

/** See the module's comment. */
export class TerminalIo extends ProcessStdio {
  readonly tty = true;
  readonly stdin: StdinPipe;
  readonly #calls: TerminalIoCalls;
  readonly #socketPath: string;
  #size: TerminalSize | undefined;
  #socket: ConsoleSocket | undefined;
  #master: OwnedFd | undefined;

  constructor({ consoleSocket, size, ...options }: TerminalIoOptions, hub: StdioRouter, calls: TerminalIoCalls) {
    super({ ...options, stdin: true, output: true }, hub);
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
    // Waiting begins now: the master lies in the socket, and a runtime that failed may have sent one all the same.
    this.#master = await this.#socket!.receive({ deadlineMs: RECEIVE_LIMIT_MS });
    this.#closeSocket();
    this.#applySize();
    await this.#connect(this.#master);
  }

  async reopen({ stdin, terminal }: RetainedStreams): Promise<void> {
    stdin?.[Symbol.dispose]();
    this.#master = terminal;
    if (terminal !== undefined) return await this.#connect(terminal);
    // Its last holder is gone, and so is the terminal.
    this.stdin.abandon();
    await this.connectAll();
  }

  /** @throws {TsdError} invalid_argument */
  resize(size: TerminalSize): void {
    this.#size = size;
    this.#applySize();
  }

  heldFds(): Held<number> {
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
    // The Worker's own from then on.
    const source = { stream: "stdout", fd: pipes.duplicate(master.fd) } as const;
    await this.hub.open({ key, sources: [source], ...(log && { log }) });
    await this.connectAll();
    this.hub.begin(key);
  }
}
