/**
 * @module
 * A file descriptor with an owner.
 */
import type { FileCalls } from "./files.ts";
import { files } from "./files.ts";

/**
 * A descriptor that is closed with its scope: `using folder = new OwnedFd(files.open(path, flags))`. Use {@link take}
 * to hand the ownership on.
 */
export class OwnedFd implements Disposable {
  #fd: number | undefined;
  readonly #calls: Pick<FileCalls, "close">;

  constructor(fd: number, calls: Pick<FileCalls, "close"> = files) {
    this.#fd = fd;
    this.#calls = calls;
  }

  /** The number. @throws Error when it was closed or taken */
  get fd(): number {
    if (this.#fd === undefined) throw new Error("The descriptor was closed or handed on");
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd === undefined;
  }

  /** `/proc/self/fd/N`: the path of what the descriptor refers to, for calls that take paths only. */
  get procPath(): string {
    return `/proc/self/fd/${this.fd}`;
  }

  /** The number, which the caller has to close from now on. */
  take(): number {
    const fd = this.fd;
    this.#fd = undefined;
    return fd;
  }

  /** Closes it; a second time does nothing. */
  close(): void {
    if (this.#fd !== undefined) this.#calls.close(this.take());
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
