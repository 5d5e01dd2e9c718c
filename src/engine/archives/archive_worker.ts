/**
 * @module
 * Entry of the archive Workers. Protocol: `archive_protocol.ts`; what is done: `archive_tasks.ts`.
 */
import { type SerialisedError, serialiseError, TsdError } from "../../errors.ts";
import { decompressed } from "../../io/mod.ts";
import { AsyncQueue } from "../async_queue.ts";
import {
  type ArchiveJob,
  type ArchiveTask,
  type FromArchiveWorker,
  type ToArchiveWorker,
  WINDOW_CHUNKS,
} from "./archive_protocol.ts";
import { copyPath, packPath, packRoot, statPath, UnpackingTask } from "./archive_tasks.ts";
import { openContainerTree } from "./container_tree.ts";

const scope = self as unknown as {
  postMessage(message: FromArchiveWorker, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToArchiveWorker>) => void): void;
};

/** Steps of a job between two looks at what has come in. */
const STEPS_A_TURN = 256;

/** The job that is under way: what comes in for it, and what may still be sent. */
class Running {
  readonly id: number;
  readonly #input = new AsyncQueue<Uint8Array>();
  readonly #credits = new AsyncQueue<void>();
  readonly #credit: AsyncIterator<void>;
  #isCancelled = false;

  constructor(id: number) {
    this.id = id;
    this.#credit = this.#credits[Symbol.asyncIterator]();
    for (let chunk = 0; chunk < WINDOW_CHUNKS; chunk++) this.#credits.push();
  }

  receive(message: ToArchiveWorker): void {
    if (message.kind === "chunk") this.#input.push(message.bytes);
    else if (message.kind === "end") this.#input.end();
    else if (message.kind === "credit") this.#credits.push();
    else if (message.kind === "cancel") this.#cancel();
  }

  /** Sends all of it, no faster than it is taken. */
  async sendAll(chunks: Iterable<Uint8Array>): Promise<void> {
    for (const bytes of chunks) {
      await this.#credit.next();
      this.throwIfCancelled();
      scope.postMessage({ kind: "chunk", id: this.id, bytes }, [bytes.buffer as ArrayBuffer]);
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
        scope.postMessage({ kind: "credit", id: this.id });
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

let running: Running | undefined;

async function run(job: ArchiveJob, id: number): Promise<void> {
  running = new Running(id);
  let error: SerialisedError | undefined;
  try {
    await perform(job, running);
  } catch (thrown) {
    error = serialiseError(thrown);
  }
  running = undefined;
  scope.postMessage(error === undefined ? { kind: "done", id } : { kind: "failed", id, error });
}

async function perform({ view: spec, task, container }: ArchiveJob, work: Running): Promise<void> {
  using view = openContainerTree(spec);
  const context = { view, container };
  switch (task.kind) {
    case "stat":
      return scope.postMessage({ kind: "facts", id: work.id, facts: statPath(context, task.path) });
    case "pack":
      return await work.sendAll(withoutFacts(packPath(context, task.path), work.id));
    case "export":
      return await work.sendAll(packRoot(context, task));
    case "copy":
      return await work.perform(copyPath(context, task));
    case "unpack":
      return await unpack(context, task, spec.root, work);
  }
}

function* withoutFacts(parts: ReturnType<typeof packPath>, id: number): Generator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else scope.postMessage({ kind: "facts", id, facts: part });
  }
}

async function unpack(
  context: ConstructorParameters<typeof UnpackingTask>[0],
  task: Extract<ArchiveTask, { readonly kind: "unpack" }>,
  root: string,
  work: Running,
): Promise<void> {
  using unpacking = new UnpackingTask(context, task, root);
  for await (const chunk of decompressed(work.input(), { what: "the archive" })) {
    work.throwIfCancelled();
    unpacking.feed(chunk);
  }
  unpacking.finish();
}

scope.addEventListener("message", ({ data }) => {
  if (data.kind === "begin") void run(data.job, data.id);
  else if (data.id === running?.id) running.receive(data);
});
