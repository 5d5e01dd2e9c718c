/**
 * @module
 * The engine's side of one job of an archive Worker: its info, output and input with flow control, and its end.
 */
import { deserialiseError, TsdError } from "../../errors.ts";
import { AsyncQueue } from "../../async/queue.ts";
import { type FromCopyWorker, type PathStat, type ToCopyWorker, WINDOW_CHUNKS } from "./protocol.ts";

/** Sends a message of a job to its Worker. */
export type SendToWorker = (message: ToCopyWorker<never>, transfer?: Transferable[]) => void;

/** A job of an archive Worker. When its signal aborts, it ends after the Worker has released all resources. */
export class CopySession<Info = PathStat> {
  readonly #id: number;
  readonly #send: SendToWorker;
  readonly #info = Promise.withResolvers<Info>();
  readonly #output = new AsyncQueue<Uint8Array>();
  readonly #credits = new AsyncQueue<void>();
  readonly #over = Promise.withResolvers<void>();
  #failure: TsdError | undefined;
  #isOver = false;
  /** Ends a wait for more input. */
  #interrupt: (() => void) | undefined;

  constructor(id: number, send: SendToWorker, signal: AbortSignal) {
    this.#id = id;
    this.#send = send;
    for (let chunk = 0; chunk < WINDOW_CHUNKS; chunk++) this.#credits.push();
    // Callers that do not use the info get the error elsewhere.
    this.#info.promise.catch(() => undefined);
    const cancel = () => this.#cancel();
    signal.addEventListener("abort", cancel, { once: true });
    void this.#over.promise.then(() => signal.removeEventListener("abort", cancel));
    if (signal.aborted) cancel();
  }

  /** Resolves when the job has ended, successfully or not. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  receive(message: FromCopyWorker<Info>): void {
    if (message.kind === "info") this.#info.resolve(message.info);
    else if (message.kind === "chunk") this.#output.push(message.bytes);
    else if (message.kind === "credit") this.#credits.push();
    else this.end(message.kind === "failed" ? deserialiseError(message.error) : undefined);
  }

  /** Ends the session: the Worker has reported the end, or has failed itself. */
  end(failure?: TsdError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#info.reject(failure ?? new TsdError("internal", "An archive Worker ended without an answer"));
    if (failure === undefined) this.#output.end();
    else this.#output.fail(failure);
    this.#credits.end();
    this.#interrupt?.();
    this.#over.resolve();
  }

  /** Returns the job's info. @throws {TsdError} the job's error */
  info(): Promise<Info> {
    return this.#info.promise;
  }

  /** Returns the job's output, with back-pressure. @throws {TsdError} the job's error */
  async *output(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#output) {
      yield bytes;
      if (!this.#isOver) this.#send({ kind: "credit", id: this.#id });
    }
  }

  /**
   * Returns the output, but yields the last chunk only after `released` has resolved: clients stop reading at the archive's
   * end marker and don't wait for the end of the stream.
   * @throws {TsdError} the job's error
   */
  async *outputUntil(released: Promise<void>): AsyncGenerator<Uint8Array> {
    let last: Uint8Array | undefined;
    for await (const bytes of this.output()) {
      if (last !== undefined) yield last;
      last = bytes;
    }
    await released;
    if (last !== undefined) yield last;
  }

  /** Sends an archive to the Worker, with back-pressure, and waits for the job's end. @throws {TsdError} the job's error */
  async feed(source: AsyncIterable<Uint8Array>): Promise<void> {
    const credits = this.#credits[Symbol.asyncIterator]();
    const chunks = source[Symbol.asyncIterator]();
    for (let isAtEnd = false; !isAtEnd;) {
      const next = await this.#unlessOver(chunks.next());
      if (next === undefined || (await credits.next()).done) break;
      isAtEnd = next.done === true;
      if (isAtEnd) this.#send({ kind: "end", id: this.#id });
      else this.#sendChunk(next.value);
    }
    // Do not wait: a source with a pending read closes only after that read.
    void Promise.allSettled([chunks.return?.()]);
    await this.ended();
  }

  /** Resolves like the promise, or to undefined if the job ends first. */
  #unlessOver<T>(promise: Promise<T>): Promise<T | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined);
      promise.then(resolve, reject);
    });
  }

  /** Sends a copy of the chunk: the source may reuse its buffer. */
  #sendChunk(chunk: Uint8Array): void {
    const bytes = chunk.slice();
    this.#send({ kind: "chunk", id: this.#id, bytes }, [bytes.buffer]);
  }

  /** Waits for the job's end. @throws {TsdError} the job's error */
  async ended(): Promise<void> {
    await this.#over.promise;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #cancel(): void {
    if (!this.#isOver) this.#send({ kind: "cancel", id: this.#id });
  }
}
