/**
 * @module
 * Peeks into FIFOs with tee(2): bytes stay in the kernel until they are in the log. If the engine is killed in between,
 * no output is lost, as the next engine finds the bytes in the FIFO.
 */
import { type FileCalls, O, OwnedFd, type PipeCalls } from "../../sys/mod.ts";

/** Peeks into FIFOs. One object serves all FIFOs of a thread. */
export class FifoTee implements Disposable {
  readonly #files: Pick<FileCalls, "read">;
  readonly #pipes: Pick<PipeCalls, "tee">;
  readonly #copyFrom: OwnedFd;
  readonly #copyTo: OwnedFd;
  readonly #discarded: Uint8Array;

  /** @param maxBytes the maximum size of a peek, no more than the capacity of a pipe (64 KiB) */
  constructor(files: Pick<FileCalls, "read">, pipes: Pick<PipeCalls, "tee" | "pipe2">, maxBytes: number) {
    this.#files = files;
    this.#pipes = pipes;
    this.#discarded = new Uint8Array(maxBytes);
    const { readFd, writeFd } = pipes.pipe2(O.NONBLOCK);
    this.#copyFrom = new OwnedFd(readFd);
    this.#copyTo = new OwnedFd(writeFd);
  }

  /**
   * Copies what a read would return into `buffer`. Returns the number of bytes; 0 at the end.
   * @throws {TsdError} system_call
   */
  peek(fd: number, buffer: Uint8Array): number | "again" {
    const size = Math.min(buffer.length, this.#discarded.length);
    const copied = this.#pipes.tee(fd, this.#copyTo.fd, size);
    if (copied === "again" || copied === 0) return copied;
    for (let at = 0; at < copied;) at += this.#readNow(this.#copyFrom.fd, buffer.subarray(at, copied));
    return copied;
  }

  /** Consumes `count` bytes that were peeked. @throws {TsdError} system_call */
  take(fd: number, count: number): void {
    for (let rest = count; rest > 0;) rest -= this.#readNow(fd, this.#discarded.subarray(0, rest));
  }

  [Symbol.dispose](): void {
    this.#copyFrom.close();
    this.#copyTo.close();
  }

  #readNow(fd: number, buffer: Uint8Array): number {
    const count = this.#files.read(fd, buffer);
    // No other process reads from these pipes, so the peeked bytes are still in them.
    if (count === "again" || count === 0) throw new Error("A pipe lost bytes that were seen in it");
    return count;
  }
}
