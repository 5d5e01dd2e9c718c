import type { OutputSinks } from "./frames.ts";
import type { LogLine } from "./logs.ts";

/** Splits output into lines. A write resolves when the lines were taken, so that a slow reader slows the sender down. */
export class LineQueue implements OutputSinks, AsyncIterable<LogLine> {
  readonly #pending = { stdout: new LineBuffer(), stderr: new LineBuffer() };
  readonly #lines: LogLine[] = [];
  #added = Promise.withResolvers<void>();
  #drained = Promise.withResolvers<void>();
  #isEnded = false;
  #failure: { readonly thrown: unknown } | undefined;

  stdout(bytes: Uint8Array): Promise<void> {
    return this.#add("stdout", this.#pending.stdout.push(bytes));
  }

  stderr(bytes: Uint8Array): Promise<void> {
    return this.#add("stderr", this.#pending.stderr.push(bytes));
  }

  /** Ends the iteration after the lines that were added; the last line needn't have a line end. */
  end(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const text = this.#pending[stream].rest();
      if (text !== "") this.#lines.push({ stream, text });
    }
    this.#isEnded = true;
    this.#added.resolve();
  }

  /** Makes the iteration throw after the lines that were added. */
  fail(thrown: unknown): void {
    this.#failure = { thrown };
    this.end();
  }

  /** Lets all writes resolve, as nobody reads any more. */
  close(): void {
    this.#isEnded = true;
    this.#drained.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LogLine> {
    while (true) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) yield line;
      this.#drained.resolve();
      if (this.#failure !== undefined) throw this.#failure.thrown;
      if (this.#isEnded) return;
      await this.#added.promise;
      this.#added = Promise.withResolvers();
    }
  }

  async #add(stream: LogLine["stream"], texts: readonly string[]): Promise<void> {
    if (texts.length === 0 || this.#isEnded) return;
    this.#drained = Promise.withResolvers();
    this.#lines.push(...texts.map((text) => ({ stream, text })));
    this.#added.resolve();
    await this.#drained.promise;
  }
}

/** Splits bytes of UTF-8 into lines. */
class LineBuffer {
  readonly #decoder = new TextDecoder();
  #pending = "";

  push(bytes: Uint8Array): string[] {
    const lines = (this.#pending + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#pending = lines.pop()!;
    return lines;
  }

  rest(): string {
    return this.#pending + this.#decoder.decode();
  }
}
