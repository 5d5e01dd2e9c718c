import { ENDING_SIGNALS, type EndingSignal, SignalledError, StatusError, type Terminal } from "../cli/mod.ts";
import { DetachScanner, parseDetachKeys } from "../io/detach_keys.ts";
import { isConnectionLost } from "../client/reconnect.ts";
import { deliver, type OutputSinks } from "../client/frames.ts";
import type { RawStream } from "../client/transport.ts";

export interface StdioOptions {
  /** Forwards our standard input. */
  readonly stdin: boolean;
  /** The other side is a terminal: ours is put into raw mode if it is one. */
  readonly tty: boolean;
  /** Keys that end the session and leave the process alone, if there is a terminal; Docker's if not given. */
  readonly detachKeys?: string | undefined;
  /** The stream has ended: another one in its place, or nothing at the process's end. */
  readonly again?: () => Promise<RawStream | undefined>;
}

/** Streams of which nothing comes: a session with them asks for others at once. */
export const NO_STREAM: RawStream = {
  headers: new Map(),
  multiplexed: false,
  output: { async *[Symbol.asyncIterator]() {}, cancel: () => Promise.resolve() },
  write: () => Promise.resolve(false),
  closeWrite: () => Promise.resolve(),
  [Symbol.dispose]() {},
};

/** How a session ended: with the process's output, or by the user's keys. */
export type SessionEnd = "ended" | "detached";

/** A process's terminal can't be fed from a pipe or file: its line editing would get in the way. @throws {StatusError} */
export function requireTty(terminal: Terminal, needed: boolean): void {
  if (needed && !terminal.isTty("stdin")) throw new StatusError("the input device is not a TTY");
}

/** What Docker says of a session that its user left, where that is no success. */
export const detachedError = (): StatusError => new StatusError("read escape sequence");

/**
 * Connects our standard streams to a process. Output is delivered from the moment of its making; disposing ends it. The
 * terminal is given back at the end, whichever it is, also when a signal ends us.
 */
export class StdioSession implements Disposable {
  readonly #terminal: Terminal;
  readonly #again: () => Promise<RawStream | undefined>;
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

  /** @throws {TsdError} invalid_argument (keys that are none) */
  constructor(terminal: Terminal, stream: RawStream, { stdin, tty, detachKeys, again }: StdioOptions) {
    this.#terminal = terminal;
    this.#stream = stream;
    this.#again = again ?? (() => Promise.resolve(undefined));
    const keys = tty ? new DetachScanner(parseDetachKeys(detachKeys ?? "")) : undefined;
    if (tty && stdin && terminal.isTty("stdin")) this.#makeRaw();
    this.#output = this.#deliver();
    this.#input = stdin ? this.#forward(keys) : new Promise(() => {});
    // Whoever waits for the end hears of a failure; a session that is given up has nobody waiting.
    for (const each of [this.#output, this.#input, this.#signalled.promise]) each.catch(() => undefined);
  }

  /** The process's, if the streams have told it. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Resolves when the process's output has ended and was delivered, or the user has left. */
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
    // Our death would leave the terminal as it is then.
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
      // An engine that leaves waits for what is on its way.
      const stream = this.#stream;
      void this.#writing.then(() => stream.closeWrite());
      const next = await this.#again();
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

  /** Says whether more is wanted. Where the engine went away, the next one gets it. */
  async #write(bytes: Uint8Array): Promise<boolean> {
    for (;;) {
      const writing = this.#stream.write(bytes);
      this.#writing = writing.then(() => undefined, () => undefined);
      if (await writing) return true;
      const isOver = this.#output.then(() => true, () => true);
      if (await Promise.race([this.#renewed.promise.then(() => false), isOver])) return false;
    }
  }

  /** A failure to read our input counts; its end doesn't, the process may go on without. */
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
      // A process that closed its input doesn't need the rest of ours.
      const taken = await this.#write(passed);
      if (detached) return "detached";
      if (!taken) break;
    }
    return await new Promise(() => {});
  }
}
