/**
 * @module
 * The Worker's side of `protocol.ts`: one cancellable job at a time, which sends and receives chunks with flow control.
 */
import { type SerialisedError, serialiseError, TsdError } from "../../errors.ts";
import { AsyncQueue } from "../../async/queue.ts";
import { type FromCopyWorker, type ToCopyWorker, WINDOW_CHUNKS } from "./protocol.ts";

/** Number of steps of a job after which it yields to the event loop, so that messages are received. */
const STEPS_PER_TURN = 256;

type Post<Info> = (message: FromCopyWorker<Info>, transfer?: Transferable[]) => void;

/** A job in progress: its input, and its credit for output. */
export class WorkerJob<Info> {
  readonly id: number;
  readonly #post: Post<Info>;
  readonly #input = new AsyncQueue<Uint8Array>();
  readonly #credits = new AsyncQueue<void>();
  readonly #credit: AsyncIterator<void>;
  #isCancelled = false;

  constructor(id: number, post: Post<Info>) {
    this.id = id;
    this.#post = post;
    this.#credit = this.#credits[Symbol.asyncIterator]();
    for (let chunk = 0; chunk < WINDOW_CHUNKS; chunk++) this.#credits.push();
  }

  receive(message: ToCopyWorker<never>): void {
    if (message.kind === "chunk") this.#input.push(message.bytes);
    else if (message.kind === "end") this.#input.end();
    else if (message.kind === "credit") this.#credits.push();
    else if (message.kind === "cancel") this.#cancel();
  }

  /** Sends the job's info. */
  tell(info: Info): void {
    this.#post({ kind: "info", id: this.id, info });
  }

  /** Sends all chunks, with back-pressure. The chunks' buffers are transferred. */
  async sendAll(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    for await (const bytes of chunks) {
      await this.#credit.next();
      this.throwIfCancelled();
      this.#post({ kind: "chunk", id: this.id, bytes }, [bytes.buffer as ArrayBuffer]);
    }
  }

  /** Runs all steps, unless the job is cancelled. */
  async perform(steps: Iterable<void>): Promise<void> {
    let count = 0;
    for (const _ of steps) {
      // Messages are received only between tasks of the event loop.
      if (++count % STEPS_PER_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      this.throwIfCancelled();
    }
  }

  /** Returns the job's input as a stream with back-pressure. */
  input(): ReadableStream<Uint8Array> {
    const chunks = this.#input[Symbol.asyncIterator]();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await chunks.next();
        if (done) return controller.close();
        controller.enqueue(value);
        this.#post({ kind: "credit", id: this.id });
      },
    }, { highWaterMark: 0 });
  }

  throwIfCancelled(): void {
    if (this.#isCancelled) throw cancelled();
  }

  #cancel(): void {
    this.#isCancelled = true;
    this.#input.fail(cancelled());
    this.#credits.push();
  }
}

const cancelled = () => new TsdError("cancelled", "The copy was cancelled");

/** Runs the jobs that this Worker receives, one at a time. */
export function serveJobs<Job, Info>(perform: (job: Job, work: WorkerJob<Info>) => Promise<void>): void {
  const scope = self as unknown as {
    postMessage: Post<Info>;
    addEventListener(type: "message", listener: (event: MessageEvent<ToCopyWorker<Job>>) => void): void;
  };
  let running: WorkerJob<Info> | undefined;
  const run = async (job: Job, id: number): Promise<void> => {
    running = new WorkerJob<Info>(id, (message, transfer) => scope.postMessage(message, transfer));
    let error: SerialisedError | undefined;
    try {
      await perform(job, running);
    } catch (thrown) {
      error = serialiseError(thrown);
    }
    running = undefined;
    scope.postMessage(error === undefined ? { kind: "done", id } : { kind: "failed", id, error });
  };
  scope.addEventListener("message", ({ data }) => {
    if (data.kind === "begin") void run(data.job, data.id);
    else if (data.id === running?.id) running.receive(data);
  });
}
