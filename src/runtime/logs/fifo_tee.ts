/**
 * @module
 * Looks into FIFOs without taking anything: bytes stay in the kernel until they are in the log. An engine that is killed in
 * between loses nothing then, since the next one finds them where they were.
 */
import { type FileCalls, O, OwnedFd, type PipeCalls } from "../../sys/mod.ts";

/** See the module's comment. One serves all FIFOs of a thread. */
export class FifoTee implements Disposable {
  readonly #files: Pick<FileCalls, "read">;
  readonly #pipes: Pick<PipeCalls, "tee">;
  readonly #copyFrom: OwnedFd;
  readonly #copyTo: OwnedFd;
  readonly #scrap: Uint8Array;

  /** `largest` is the most that is looked at at once: no more than a pipe holds (64 KiB). */
  constructor(files: Pick<FileCalls, "read">, pipes: Pick<PipeCalls, "tee" | "pipe2">, largest: number) {
    this.#files = files;
    this.#pipes = pipes;
    this.#scrap = new Uint8Array(largest);
    const { readFd, writeFd } = pipes.pipe2(O.NONBLOCK);
    this.#copyFrom = new OwnedFd(readFd);
    this.#copyTo = new OwnedFd(writeFd);
  }

  /** What a read would give; 0 is the end. @throws {TsdError} system_call */
  peek(fd: number, buffer: Uint8Array): number | "again" {
    const size = Math.min(buffer.length, this.#scrap.length);
    const copied = this.#pipes.tee(fd, this.#copyTo.fd, size);
    if (copied === "again" || copied === 0) return copied;
    for (let at = 0; at < copied;) at += this.#readNow(this.#copyFrom.fd, buffer.subarray(at, copied));
    return copied;
  }

  /** Takes so many bytes that were seen. @throws {TsdError} system_call */
  take(fd: number, count: number): void {
    for (let left = count; left > 0;) left -= this.#readNow(fd, this.#scrap.subarray(0, left));
  }

  [Symbol.dispose](): void {
    this.#copyFrom.close();
    this.#copyTo.close();
  }

  #readNow(fd: number, buffer: Uint8Array): number {
    const count = this.#files.read(fd, buffer);
    // Nobody else reads from these pipes: what was seen is there.
    if (count === "again" || count === 0) throw new Error("A pipe lost bytes that were seen in it");
    return count;
  }
}
