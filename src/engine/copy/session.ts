/**
 * @module
 * One job of an archive Worker, as the engine sees it: facts, output with credit, input with credit, an end.
 */
import { deserialiseError, TsdError } from "../../errors.ts";
import { AsyncQueue } from "../../async/queue.ts";
import { type FromCopyWorker, type PathStat, type ToCopyWorker, WINDOW_CHUNKS } from "./protocol.ts";

/** How a job's messages get to its Worker. */
export type SendToWorker = (message: ToCopyWorker<never>, transfer?: Transferable[]) => void;

/** It ends with the job, or when its signal aborts: then the Worker lets go of everything first. */
export class CopySession<Facts = PathStat> {
  readonly #id: number;
  readonly #send: SendToWorker;
  readonly #info = Promise.withResolvers<Facts>();
  readonly #output = new AsyncQueue<Uint8Array>();
  readonly #credits = new AsyncQueue<void>();
  readonly #over = Promise.withResolvers<void>();
  #failure: TsdError | undefined;
  #isOver = false;
  /** Of a wait for more input. */
  #interrupt: (() => void) | undefined;

  constructor(id: number, send: SendToWorker, signal: AbortSignal) {
    this.#id = id;
    this.#send = send;
    for (let chunk = 0; chunk < WINDOW_CHUNKS; chunk++) this.#credits.push();
    // Who isn't interested in the facts learns of a failure elsewhere.
    this.#info.promise.catch(() => undefined);
    const cancel = () => this.#cancel();
    signal.addEventListener("abort", cancel, { once: true });
    void this.#over.promise.then(() => signal.removeEventListener("abort", cancel));
    if (signal.aborted) cancel();
  }

  /** Resolves when the Worker has done with it, well or not. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  receive(message: FromCopyWorker<Facts>): void {
    if (message.kind === "info") this.#info.resolve(message.info);
    else if (message.kind === "chunk") this.#output.push(message.bytes);
    else if (message.kind === "credit") this.#credits.push();
    else this.end(message.kind === "failed" ? deserialiseError(message.error) : undefined);
  }

  /** Nothing more comes: by the Worker's word, or because there is no Worker any more. */
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

  /** @throws {TsdError} what went wrong */
  info(): Promise<Facts> {
    return this.#info.promise;
  }

  /** The archive, no faster than it is read. @throws {TsdError} what went wrong */
  async *output(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#output) {
      yield bytes;
      if (!this.#isOver) this.#send({ kind: "credit", id: this.#id });
    }
  }

  /**
   * The archive, its last chunk not before `released` has resolved: clients stop reading at the archive's end marker, and
   * don't wait for the end of the stream. @throws {TsdError} what went wrong
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

  /** Gives the Worker all of an archive, no faster than it works on it, and waits for the end. @throws {TsdError} */
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
    // A source that waits for something ends when that comes; nobody has to wait for it.
    void Promise.allSettled([chunks.return?.()]);
    await this.ended();
  }

  /** What the promise gives; undefined when the job is over first. */
  #unlessOver<T>(promise: Promise<T>): Promise<T | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined);
      promise.then(resolve, reject);
    });
  }

  /** What it was read into may be used again. */
  #sendChunk(chunk: Uint8Array): void {
    const bytes = chunk.slice();
    this.#send({ kind: "chunk", id: this.#id, bytes }, [bytes.buffer]);
  }

  /** Waits for the end. @throws {TsdError} what went wrong */
  async ended(): Promise<void> {
    await this.#over.promise;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #cancel(): void {
    if (!this.#isOver) this.#send({ kind: "cancel", id: this.#id });
  }
}
