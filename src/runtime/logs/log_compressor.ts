/**
 * @module
 * Compresses files of a log that were put aside, one after another, in small pieces between which the log Worker does its
 * work (node:zlib compresses on the calling thread). Each piece is a gzip member of its own (RFC 1952 §2.2), so that
 * nothing has to be kept between them. It is a nicety: it gives way when the log needs the room, when the file is removed,
 * and when the channel ends; the original stays until the compressed file is complete and on the disk.
 */
import type { TsdError } from "../../errors.ts";
import { storageError } from "../../io/mod.ts";
import { compressionName } from "./log_names.ts";
import type { ClosedFile, RotatingLog } from "./rotating_log.ts";

const PIECE_BYTES = 128 << 10;
/** The level whose cost is about that of writing the records. */
const LEVEL = 3;

/** Compressions of all logs take turns: they are not urgent, and other containers' output is. */
export class CompressionQueue {
  #last: Promise<void> = Promise.resolve();

  run(job: () => Promise<void>): void {
    this.#last = this.#last.then(job);
  }

  /** Resolves when all that was asked for so far is done. */
  idle(): Promise<void> {
    return this.#last;
  }
}

interface Job {
  readonly file: ClosedFile;
  isOver: boolean;
  isCreated: boolean;
  writtenBytes: number;
}

/** See the module's comment. One for each log that is to be compressed. */
export class LogCompressor {
  readonly #log: RotatingLog;
  readonly #queue: CompressionQueue;
  readonly #onFailure: (error: TsdError) => void;
  #job: Job | undefined;
  #isClosed = false;

  constructor(log: RotatingLog, queue: CompressionQueue, onFailure: (error: TsdError) => void) {
    this.#log = log;
    this.#queue = queue;
    this.#onFailure = onFailure;
  }

  /** Compresses what is there to be compressed, the newest file first: it stays longest. */
  start(): void {
    const file = this.#log.closed.find(({ compressed }) => !compressed);
    if (this.#job !== undefined || this.#isClosed || file === undefined) return;
    const job: Job = { file, isOver: false, isCreated: false, writtenBytes: 0 };
    this.#job = job;
    this.#queue.run(() => this.#run(job));
  }

  /** Gives up what is under way if there is no room for it beside the log itself. */
  makeRoom(): void {
    const { maxSizeBytes, maxFiles } = this.#log.spec;
    if (this.#job !== undefined && this.#log.totalBytes + this.#job.writtenBytes > maxSizeBytes * maxFiles) this.stop();
  }

  /** Gives up what is under way; nothing of it is left. */
  stop(): void {
    const job = this.#job;
    if (job === undefined || job.isOver) return;
    job.isOver = true;
    if (job.isCreated) Deno.removeSync(compressionName(this.#log.spec.path));
  }

  /** {@link stop}, for ever: no file appears any more. */
  close(): void {
    this.#isClosed = true;
    this.stop();
  }

  async #run(job: Job): Promise<void> {
    try {
      if (this.#isRequested(job)) await this.#compress(job);
    } catch (thrown) {
      // The original is there: nothing is lost, and it is tried again at the next rotation.
      if (!job.isOver) this.#onFailure(storageError(`Cannot compress ${this.#log.spec.path}`, thrown));
      this.stop();
    }
    this.#job = undefined;
    if (job.file.compressed) this.start();
  }

  async #compress(job: Job): Promise<void> {
    const { gzipSync } = await import("node:zlib");
    if (!this.#isRequested(job)) return;
    const log = this.#log;
    const temporary = compressionName(log.spec.path);
    using input = Deno.openSync(log.pathOf(job.file));
    using output = Deno.openSync(temporary, { write: true, create: true, truncate: true, mode: 0o640 });
    job.isCreated = true;
    const block = new Uint8Array(PIECE_BYTES);
    for (;;) {
      const count = await input.read(block);
      if (!this.#isRequested(job)) return this.stop();
      if (count === null) break;
      const member = gzipSync(block.subarray(0, count), { level: LEVEL });
      for (let at = 0; at < member.length;) at += output.writeSync(member.subarray(at));
      job.writtenBytes += member.length;
      this.makeRoom();
      // Reading may not take a turn of the event loop where the file is in memory.
      await new Promise((resolve) => setTimeout(resolve));
      if (!this.#isRequested(job)) return this.stop();
    }
    await output.syncData();
    if (!this.#isRequested(job)) return this.stop();
    log.replace(job.file, job.writtenBytes, (plain, compressed) => {
      Deno.renameSync(temporary, compressed);
      job.isOver = true;
      Deno.removeSync(plain);
    });
  }

  #isRequested(job: Job): boolean {
    return !job.isOver && this.#log.closed.includes(job.file);
  }
}
