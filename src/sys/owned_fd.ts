/**
 * @module
 * A file descriptor with an owner.
 */
import type { FileCalls } from "./files.ts";
import { files } from "./files.ts";

/**
 * A descriptor that is closed at the end of its scope: `using directory = new OwnedFd(files.open(path, flags))`. Use
 * {@link take} to transfer the ownership.
 */
export class OwnedFd implements Disposable {
  #fd: number | undefined;
  readonly #calls: Pick<FileCalls, "close">;

  constructor(fd: number, calls: Pick<FileCalls, "close"> = files) {
    this.#fd = fd;
    this.#calls = calls;
  }

  /** The descriptor's number. @throws {Error} when it was closed or taken */
  get fd(): number {
    if (this.#fd === undefined) throw new Error("The descriptor was closed or handed on");
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd === undefined;
  }

  /** `/proc/self/fd/N`: a path to the open file, for calls that only accept paths. */
  get procPath(): string {
    return `/proc/self/fd/${this.fd}`;
  }

  /** Returns the number and transfers ownership: the caller closes it. */
  take(): number {
    const fd = this.fd;
    this.#fd = undefined;
    return fd;
  }

  /** Closes the descriptor. Does nothing if it was closed or taken. */
  close(): void {
    if (this.#fd !== undefined) this.#calls.close(this.take());
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
