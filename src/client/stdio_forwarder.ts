import { DetachScanner, parseDetachKeys } from "../io/detach_keys.ts";
import { type OutputSinks, writeOutput } from "./frames.ts";
import { isConnectionLost } from "./reconnect.ts";
import type { RawStream } from "./transport.ts";

/** Options of {@link StdioForwarder}. */
export interface StdioForwarderOptions {
  readonly sinks: OutputSinks;
  /** The input of the process. Default: none is forwarded. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** The key sequence that ends the session without ending the process, for a terminal. Default: there is none. */
  readonly detachKeys?: string | undefined;
  /** Called when the stream ended: returns a new stream to continue with, or undefined if the process has exited. */
  readonly reconnect?: (() => Promise<RawStream | undefined>) | undefined;
}

/** How forwarding ended: at the end of the process's output, or by the detach keys. */
export type ForwardingEnd = "ended" | "detached";

/** An empty stream: a forwarder that starts with it calls `reconnect` at once. */
export const NO_STREAM: RawStream = {
  headers: new Map(),
  multiplexed: false,
  output: { async *[Symbol.asyncIterator]() {}, cancel: () => Promise.resolve() },
  write: () => Promise.resolve(false),
  closeWrite: () => Promise.resolve(),
  [Symbol.dispose]() {},
};

/** Forwards input to a process and its output to sinks, from construction until disposal. Owns its stream. */
export class StdioForwarder implements Disposable {
  readonly #options: StdioForwarderOptions;
  #stream: RawStream;
  #renewed = Promise.withResolvers<void>();
  #isAtEndOfInput = false;
  #writing: Promise<void> = Promise.resolve();
  readonly #output: Promise<void>;
  readonly #input: Promise<"detached">;
  #isDisposed = false;
  #exitCode: number | undefined;

  /** Takes ownership of `stream`. @throws {TsdError} invalid_argument (invalid detach keys) */
  constructor(stream: RawStream, options: StdioForwarderOptions) {
    this.#stream = stream;
    this.#options = options;
    const { stdin, detachKeys } = options;
    const keys = detachKeys === undefined ? undefined : new DetachScanner(parseDetachKeys(detachKeys));
    this.#output = this.#forwardOutput();
    this.#input = stdin === undefined ? new Promise(() => {}) : this.#forwardInput(stdin, keys);
    // `end` reports failures; without a call of it they must not become unhandled rejections.
    for (const each of [this.#output, this.#input]) each.catch(() => undefined);
  }

  /** The process's exit code, if the stream has reported it. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Resolves when the process's output has ended and was delivered, or the user has detached. */
  async end(): Promise<ForwardingEnd> {
    return await Promise.race([this.#output.then(() => "ended" as const), this.#input]);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#stream[Symbol.dispose]();
  }

  async #forwardOutput(): Promise<void> {
    for (let renewals = 0;; renewals++) {
      let failure: unknown;
      try {
        this.#exitCode = await writeOutput(this.#stream.output, this.#stream.multiplexed, this.#options.sinks);
        if (this.#exitCode !== undefined) return;
      } catch (thrown) {
        if (!isConnectionLost(thrown)) throw thrown;
        failure = thrown;
      }
      if (this.#isDisposed) return;
      // An engine that shuts down waits for pending input.
      const stream = this.#stream;
      void this.#writing.then(() => stream.closeWrite());
      const next = await this.#options.reconnect?.();
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

  /** Forwards the input. Rejects if reading fails, but not at the end of input: the process can continue without. */
  async #forwardInput(stdin: AsyncIterable<Uint8Array>, keys: DetachScanner | undefined): Promise<"detached"> {
    const input = stdin[Symbol.asyncIterator]();
    while (!this.#isDisposed) {
      const { done, value } = await input.next();
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
