/**
 * @module
 * Compresses rotated files of a log one after another, in small pieces between which the log Worker continues its work
 * (node:zlib compresses on the calling thread). Each piece is a separate gzip member (RFC 1952 §2.2), so no state is
 * kept between pieces. Compression is optional: it is abandoned when the log needs the disk space, when the file is
 * removed and when the channel ends. The original remains until the compressed file is complete and synced to disk.
 */
import type { TsdError } from "../../errors.ts";
import { storageError } from "../../io/mod.ts";
import { compressionName } from "./log_names.ts";
import type { RotatedFile, RotatingLog } from "./rotating_log.ts";

const PIECE_BYTES = 128 << 10;
/** At this level compressing costs about as much as writing the records. */
const LEVEL = 3;

/** Runs the compressions of all logs one at a time: they are not urgent, while the output of containers is. */
export class CompressionQueue {
  #last: Promise<void> = Promise.resolve();

  run(job: () => Promise<void>): void {
    this.#last = this.#last.then(job);
  }

  /** Resolves once all jobs queued so far are done. */
  idle(): Promise<void> {
    return this.#last;
  }
}

interface Job {
  readonly file: RotatedFile;
  isOver: boolean;
  isCreated: boolean;
  writtenBytes: number;
}

/** Compresses the rotated files of one log. */
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

  /** Starts compressing rotated files, the newest first, as it is retained longest. */
  start(): void {
    const file = this.#log.closed.find(({ compressed }) => !compressed);
    if (this.#job !== undefined || this.#isClosed || file === undefined) return;
    const job: Job = { file, isOver: false, isCreated: false, writtenBytes: 0 };
    this.#job = job;
    this.#queue.run(() => this.#run(job));
  }

  /** Abandons the compression in progress if its output and the log together exceed the log's limit. */
  makeRoom(): void {
    const { maxSizeBytes, maxFiles } = this.#log.spec;
    if (this.#job !== undefined && this.#log.totalBytes + this.#job.writtenBytes > maxSizeBytes * maxFiles) this.stop();
  }

  /** Abandons the compression in progress and removes its output. */
  stop(): void {
    const job = this.#job;
    if (job === undefined || job.isOver) return;
    job.isOver = true;
    if (job.isCreated) Deno.removeSync(compressionName(this.#log.spec.path));
  }

  /** Abandons the compression in progress and starts no other one. */
  close(): void {
    this.#isClosed = true;
    this.stop();
  }

  async #run(job: Job): Promise<void> {
    try {
      if (this.#isRequested(job)) await this.#compress(job);
    } catch (thrown) {
      // The original still exists: nothing is lost, and the next rotation tries again.
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
      // Reads from the page cache may not yield to the event loop.
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
