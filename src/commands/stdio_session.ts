import { ENDING_SIGNALS, type EndingSignal, SignalledError, StatusError, type Terminal } from "../cli/mod.ts";
import { type ForwardingEnd, StdioForwarder } from "../client/stdio_forwarder.ts";
import type { RawStream } from "../client/transport.ts";

export interface StdioOptions {
  /** Forwards standard input to the process. */
  readonly stdin: boolean;
  /** The process has a terminal. The local terminal, if there is one, is put into raw mode. */
  readonly tty: boolean;
  /** The key sequence that detaches from the process without ending it; used only with `tty`. Default: Docker's. */
  readonly detachKeys?: string | undefined;
  /** Called when the stream ended: returns a new stream to continue with, or undefined if the process has exited. */
  readonly reconnect?: () => Promise<RawStream | undefined>;
}

/**
 * Refuses to feed a process's terminal from a pipe or a file, because the terminal's line editing would alter the data.
 * @param needed whether the process has a terminal and standard input is forwarded to it
 * @throws {StatusError} if standard input is not a terminal
 */
export function requireTty(terminal: Terminal, needed: boolean): void {
  if (needed && !terminal.isTty("stdin")) throw new StatusError("the input device is not a TTY");
}

/** Returns Docker's error for a session that the user detached from, for commands that don't count that as success. */
export const detachedError = (): StatusError => new StatusError("read escape sequence");

/**
 * Connects the local standard streams to a process. Output is delivered from construction on, until disposal. The terminal
 * is restored when the session ends for any reason, signals included.
 */
export class StdioSession implements Disposable {
  readonly #forwarder: StdioForwarder;
  readonly #signalled = Promise.withResolvers<never>();
  readonly #raw = new DisposableStack();

  /** Takes ownership of `stream`. @throws {TsdError} invalid_argument (invalid detach keys) */
  constructor(terminal: Terminal, stream: RawStream, { stdin, tty, detachKeys = "", reconnect }: StdioOptions) {
    // `end` reports it; without a call of it, it must not become an unhandled rejection.
    this.#signalled.promise.catch(() => undefined);
    if (tty && stdin && terminal.isTty("stdin")) this.#makeRaw(terminal);
    try {
      this.#forwarder = new StdioForwarder(stream, {
        sinks: { stdout: (bytes) => terminal.out(bytes), stderr: (bytes) => terminal.err(bytes) },
        stdin: stdin ? terminal.stdin : undefined,
        detachKeys: tty ? detachKeys : undefined,
        reconnect,
      });
    } catch (thrown) {
      this.#raw.dispose();
      throw thrown;
    }
  }

  /** The process's exit code, if the stream has reported it. */
  get exitCode(): number | undefined {
    return this.#forwarder.exitCode;
  }

  /** Resolves when the process's output has ended and was delivered, or the user has detached. */
  async end(): Promise<ForwardingEnd> {
    try {
      return await Promise.race([this.#forwarder.end(), this.#signalled.promise]);
    } finally {
      this.#raw.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.#raw.dispose();
    this.#forwarder[Symbol.dispose]();
  }

  #makeRaw(terminal: Terminal): void {
    const ending = Object.keys(ENDING_SIGNALS) as EndingSignal[];
    // If a signal killed this process, the terminal would stay in raw mode.
    this.#raw.use(terminal.onSignal(ending, (signal) => {
      this.#raw.dispose();
      this.#signalled.reject(new SignalledError(signal as EndingSignal));
    }));
    this.#raw.defer(() => terminal.setRaw(false));
    terminal.setRaw(true);
  }
}
