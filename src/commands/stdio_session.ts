import type { Terminal } from "../cli/mod.ts";
import { TsdError } from "../errors.ts";
import { deliver } from "../client/frames.ts";
import type { RawStream } from "../client/transport.ts";

export interface StdioOptions {
  /** Forwards our standard input. */
  readonly stdin: boolean;
  /** The other side is a terminal: ours is put into raw mode if it is one. */
  readonly tty: boolean;
}

/** A process's terminal can't be fed from a pipe or file: its line editing would get in the way. @throws {TsdError} usage */
export function requireTty(terminal: Terminal, needed: boolean): void {
  if (needed && !terminal.isTty("stdin")) throw new TsdError("usage", "the input device is not a TTY");
}

/**
 * Connects our standard streams to a process. Output is delivered from the moment of its making; disposing ends it and
 * gives the terminal back.
 */
export class StdioSession implements Disposable {
  readonly #terminal: Terminal;
  readonly #stream: RawStream;
  readonly #output: Promise<void>;
  readonly #stop = new AbortController();
  readonly #raw: boolean;

  constructor(terminal: Terminal, stream: RawStream, { stdin, tty }: StdioOptions) {
    this.#terminal = terminal;
    this.#stream = stream;
    this.#raw = tty && stdin && terminal.isTty("stdin");
    if (this.#raw) terminal.setRaw(true);
    this.#output = deliver(stream.output, stream.multiplexed, {
      stdout: (bytes) => terminal.out(bytes),
      stderr: (bytes) => terminal.err(bytes),
    });
    // Whoever waits for the end hears of a failure; a session that is given up has nobody waiting.
    this.#output.catch(() => undefined);
    this.#input = stdin ? this.#forward() : Promise.resolve();
    this.#input.catch(() => undefined);
  }

  readonly #input: Promise<void>;

  /** Resolves when the process's output has ended and was delivered. */
  async end(): Promise<void> {
    // A failure to read our input counts; its end doesn't, the process may go on without.
    const inputFailure = new Promise<never>((_, reject) => this.#input.catch(reject));
    await Promise.race([this.#output, inputFailure]);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    if (this.#raw) this.#terminal.setRaw(false);
    this.#stream[Symbol.dispose]();
  }

  async #forward(): Promise<void> {
    const reader = this.#terminal.stdin.getReader();
    while (!this.#stop.signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return await this.#stream.closeWrite();
      // A process that closed its input doesn't need the rest of ours.
      if (!(await this.#stream.write(value))) return;
    }
  }
}
