import { ENDING_SIGNALS, type EndingSignal, SignalledError, StatusError, type Terminal } from "../cli/mod.ts";
import { DetachScanner, parseDetachKeys } from "../io/detach_keys.ts";
import { isConnectionLost } from "../client/reconnect.ts";
import { deliver, type OutputSinks } from "../client/frames.ts";
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

/** An empty stream: a session that starts with it calls `reconnect` at once. */
export const NO_STREAM: RawStream = {
  headers: new Map(),
  multiplexed: false,
  output: { async *[Symbol.asyncIterator]() {}, cancel: () => Promise.resolve() },
  write: () => Promise.resolve(false),
  closeWrite: () => Promise.resolve(),
  [Symbol.dispose]() {},
};

/** How a session ended: at the end of the process's output, or by the detach keys. */
export type SessionEnd = "ended" | "detached";

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
  readonly #terminal: Terminal;
  readonly #reconnect: () => Promise<RawStream | undefined>;
  #stream: RawStream;
  #renewed = Promise.withResolvers<void>();
  #isAtEndOfInput = false;
  #writing: Promise<void> = Promise.resolve();
  readonly #output: Promise<void>;
  readonly #input: Promise<"detached">;
  readonly #stop = new AbortController();
  readonly #signalled = Promise.withResolvers<never>();
  readonly #raw = new DisposableStack();
  #exitCode: number | undefined;

  /** Takes ownership of `stream`. @throws {TsdError} invalid_argument (invalid detach keys) */
  constructor(terminal: Terminal, stream: RawStream, { stdin, tty, detachKeys, reconnect }: StdioOptions) {
    this.#terminal = terminal;
    this.#stream = stream;
    this.#reconnect = reconnect ?? (() => Promise.resolve(undefined));
    const keys = tty ? new DetachScanner(parseDetachKeys(detachKeys ?? "")) : undefined;
    if (tty && stdin && terminal.isTty("stdin")) this.#makeRaw();
    this.#output = this.#deliver();
    this.#input = stdin ? this.#forward(keys) : new Promise(() => {});
    // `end` reports failures; without a call of it they must not become unhandled rejections.
    for (const each of [this.#output, this.#input, this.#signalled.promise]) each.catch(() => undefined);
  }

  /** The process's exit code, if the stream has reported it. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Resolves when the process's output has ended and was delivered, or the user has detached. */
  async end(): Promise<SessionEnd> {
    try {
      return await Promise.race([this.#output.then(() => "ended" as const), this.#input, this.#signalled.promise]);
    } finally {
      this.#raw.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#raw.dispose();
    this.#stream[Symbol.dispose]();
  }

  #makeRaw(): void {
    const ending = Object.keys(ENDING_SIGNALS) as EndingSignal[];
    // If a signal killed this process, the terminal would stay in raw mode.
    this.#raw.use(this.#terminal.onSignal(ending, (signal) => {
      this.#raw.dispose();
      this.#signalled.reject(new SignalledError(signal as EndingSignal));
    }));
    this.#raw.defer(() => this.#terminal.setRaw(false));
    this.#terminal.setRaw(true);
  }

  async #deliver(): Promise<void> {
    const sinks: OutputSinks = {
      stdout: (bytes) => this.#terminal.out(bytes),
      stderr: (bytes) => this.#terminal.err(bytes),
    };
    for (let renewals = 0;; renewals++) {
      let failure: unknown;
      try {
        this.#exitCode = await deliver(this.#stream.output, this.#stream.multiplexed, sinks);
        if (this.#exitCode !== undefined) return;
      } catch (thrown) {
        if (!isConnectionLost(thrown)) throw thrown;
        failure = thrown;
      }
      // An engine that shuts down waits for pending input.
      const stream = this.#stream;
      void this.#writing.then(() => stream.closeWrite());
      const next = await this.#reconnect();
      if (next === undefined && failure !== undefined && renewals === 0) throw failure;
      if (next === undefined) return;
      await this.#renew(next);
    }
  }

  async #renew(stream: RawStream): Promise<void> {
    const { resolve } = this.#renewed;
    this.#stream[Symbol.dispose]();
    this.#stream = stream;
    this.#renewed = Promise.withResolvers();
    if (this.#isAtEndOfInput) await stream.closeWrite();
    resolve();
  }

  /** Writes input and returns whether the process accepts more. After a lost connection the new stream gets the input. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    for (;;) {
      const writing = this.#stream.write(bytes);
      this.#writing = writing.then(() => undefined, () => undefined);
      if (await writing) return true;
      const isOver = this.#output.then(() => true, () => true);
      if (await Promise.race([this.#renewed.promise.then(() => false), isOver])) return false;
    }
  }

  /** Forwards standard input. Rejects if reading fails, but not at the end of input: the process can continue without. */
  async #forward(keys: DetachScanner | undefined): Promise<"detached"> {
    const reader = this.#terminal.stdin.getReader();
    while (!this.#stop.signal.aborted) {
      const { done, value } = await reader.read();
      if (done) {
        if (keys !== undefined) await this.#write(keys.end());
        this.#isAtEndOfInput = true;
        await this.#stream.closeWrite();
        break;
      }
      const { passed, detached } = keys?.push(value) ?? { passed: value, detached: false };
      // A process that closed its standard input doesn't need the rest.
      const accepted = await this.#write(passed);
      if (detached) return "detached";
      if (!accepted) break;
    }
    return await new Promise(() => {});
  }
}
