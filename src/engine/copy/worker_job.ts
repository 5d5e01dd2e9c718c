/**
 * @module
 * The Worker's side of `archive_protocol.ts`: one job at a time, which sends and receives chunks with credit and can be
 * cancelled.
 */
import { type SerialisedError, serialiseError, TsdError } from "../../errors.ts";
import { AsyncQueue } from "../../async/queue.ts";
import { type FromCopyWorker, type ToCopyWorker, WINDOW_CHUNKS } from "./protocol.ts";

/** Steps of a job between two looks at what has come in. */
const STEPS_A_TURN = 256;

type Post<Facts> = (message: FromCopyWorker<Facts>, transfer?: Transferable[]) => void;

/** The job that is under way: what comes in for it, and what may still be sent. */
export class WorkerJob<Facts> {
  readonly id: number;
  readonly #post: Post<Facts>;
  readonly #input = new AsyncQueue<Uint8Array>();
  readonly #credits = new AsyncQueue<void>();
  readonly #credit: AsyncIterator<void>;
  #isCancelled = false;

  constructor(id: number, post: Post<Facts>) {
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

  tell(info: Facts): void {
    this.#post({ kind: "info", id: this.id, info });
  }

  /** Sends all of it, no faster than it is taken. Chunks are given away with their buffers. */
  async sendAll(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    for await (const bytes of chunks) {
      await this.#credit.next();
      this.throwIfCancelled();
      this.#post({ kind: "chunk", id: this.id, bytes }, [bytes.buffer as ArrayBuffer]);
    }
  }

  /** Takes steps until there are no more, or nobody wants them. */
  async perform(steps: Iterable<void>): Promise<void> {
    let count = 0;
    for (const _ of steps) {
      // Messages come in between only.
      if (++count % STEPS_A_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      this.throwIfCancelled();
    }
  }

  /** What comes in, at the pace at which it is read. */
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

/** Does the jobs that come to this Worker, one after the other. */
export function serveJobs<Job, Facts>(perform: (job: Job, work: WorkerJob<Facts>) => Promise<void>): void {
  const scope = self as unknown as {
    postMessage: Post<Facts>;
    addEventListener(type: "message", listener: (event: MessageEvent<ToCopyWorker<Job>>) => void): void;
  };
  let running: WorkerJob<Facts> | undefined;
  const run = async (job: Job, id: number): Promise<void> => {
    running = new WorkerJob<Facts>(id, (message, transfer) => scope.postMessage(message, transfer));
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
