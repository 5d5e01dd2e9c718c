import type { HijackedConnection } from "./reply.ts";

/**
 * A raw stream between the engine and a client in the same process. Writes of the engine wait until the client has read
 * them.
 */
export class RawPipe implements AsyncIterable<Uint8Array> {
  readonly #disconnected: AbortSignal;
  readonly #chunks: { readonly bytes: Uint8Array; taken(): void }[] = [];
  #wake: (() => void) | undefined;
  #hasEnded = false;
  #failure: { readonly thrown: unknown } | undefined;
  #input: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** The engine's side of the stream. */
  readonly engineSide: Pick<HijackedConnection, "input" | "write" | "endOutput">;

  /** @param disconnected aborted when the client stops reading */
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

  /** Sends bytes to the engine. Returns false if the engine has cancelled its input. */
  send(bytes: Uint8Array): boolean {
    this.#input?.enqueue(bytes);
    return this.#input !== undefined;
  }

  /** Ends the engine's input. */
  closeInput(): void {
    this.#input?.close();
    this.#input = undefined;
  }

  /** Ends the output. The reader gets what is queued, and then the end or the error. */
  end(failure?: { readonly thrown: unknown }): void {
    this.#failure ??= failure;
    this.#hasEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      for (let next = this.#chunks.shift(); next !== undefined; next = this.#chunks.shift()) {
        yield next.bytes;
        next.taken();
      }
      if (this.#failure !== undefined) throw this.#failure.thrown;
      if (this.#hasEnded) return;
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }

  #write(bytes: Uint8Array): Promise<void> {
    if (this.#disconnected.aborted || this.#hasEnded) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    // Copied, as the engine may reuse its buffer once the bytes were taken.
    this.#chunks.push({ bytes: bytes.slice(), taken: resolve });
    this.#wake?.();
    return promise;
  }
}
