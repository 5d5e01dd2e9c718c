import type { HijackedConnection } from "./reply.ts";

/** A raw stream between the engine and a caller in the same process; output is made no faster than it is read. */
export class RawPipe implements AsyncIterable<Uint8Array> {
  readonly #disconnected: AbortSignal;
  readonly #chunks: { readonly bytes: Uint8Array; taken(): void }[] = [];
  #wake: (() => void) | undefined;
  #isOver = false;
  #failure: { readonly thrown: unknown } | undefined;
  #input: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** What the engine has of it. */
  readonly engineSide: Pick<HijackedConnection, "input" | "write" | "endOutput">;

  /** `gone`: nobody reads any more. */
  constructor(disconnected: AbortSignal) {
    this.#disconnected = disconnected;
    const input = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#input = controller),
      cancel: () => void (this.#input = undefined),
    });
    this.engineSide = { input, write: (bytes) => this.#write(bytes), endOutput: () => this.end() };
    disconnected.addEventListener("abort", () => {
      this.closeInput();
      for (const { taken } of this.#chunks) taken();
      this.end();
    }, { once: true });
  }

  /** Bytes for the engine. False: it wants none. */
  send(bytes: Uint8Array): boolean {
    this.#input?.enqueue(bytes);
    return this.#input !== undefined;
  }

  closeInput(): void {
    this.#input?.close();
    this.#input = undefined;
  }

  /** The reader gets what is left, and then the end, or what was thrown. */
  end(failure?: { readonly thrown: unknown }): void {
    this.#failure ??= failure;
    this.#isOver = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      for (let next = this.#chunks.shift(); next !== undefined; next = this.#chunks.shift()) {
        yield next.bytes;
        next.taken();
      }
      if (this.#failure !== undefined) throw this.#failure.thrown;
      if (this.#isOver) return;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }

  #write(bytes: Uint8Array): Promise<void> {
    if (this.#disconnected.aborted || this.#isOver) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    // The engine may use its buffer for something else once it was taken.
    this.#chunks.push({ bytes: bytes.slice(), taken: resolve });
    this.#wake?.();
    return promise;
  }
}
