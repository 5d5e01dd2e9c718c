/**
 * @module
 * The writing end of a process's standard input. Mostly a FIFO that the process opens read-only: closing this end is its
 * end of file. Or the master of its terminal, a descriptor of its own (see `terminalInput`). Writes wait while the process is
 * slow, and are dropped once it stopped reading.
 */
import { EPOLL, type Epoll, type FileCalls, isErrno, type OwnedFd } from "../sys/mod.ts";

/** One writer for each process; several attached clients share it. */
export class StdinPipe {
  readonly #files: Pick<FileCalls, "write">;
  readonly #epoll: Pick<Epoll, "add" | "remove">;
  readonly #opened = Promise.withResolvers<OwnedFd | undefined>();
  readonly #closedByClient = Promise.withResolvers<void>();
  #fd: OwnedFd | undefined;
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(files: Pick<FileCalls, "write">, epoll: Pick<Epoll, "add" | "remove">) {
    this.#files = files;
    this.#epoll = epoll;
  }

  /** Its descriptor, while it is open. */
  get fd(): number | undefined {
    return this.#closed ? undefined : this.#fd?.fd;
  }

  /** Resolves when {@link StdinPipe.close} has closed it, and not when the process went away. */
  get closed(): Promise<void> {
    return this.#closedByClient.promise;
  }

  /** Gives the pipe its descriptor, which it owns from now on; writes made before are carried out. */
  open(fd: OwnedFd): void {
    this.#fd = fd;
    this.#opened.resolve(fd);
  }

  /** Resolves when the kernel has the bytes, or they can't be delivered any more. Bytes keep their order. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#tail = this.#tail.then(() => this.#write(bytes));
  }

  /** End of file, after everything that was written. */
  close(): Promise<void> {
    return this.#tail = this.#tail.then(async () => {
      await this.#opened.promise;
      this.#drop();
      this.#closedByClient.resolve();
    });
  }

  /** The process is gone, or never came: nothing more is delivered. */
  abandon(): void {
    this.#opened.resolve(undefined);
    this.#drop();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const fd = await this.#opened.promise;
    for (let at = 0; at < bytes.length && fd !== undefined && !this.#closed;) {
      const taken = this.#tryWrite(fd, bytes.subarray(at));
      if (taken === "again") await this.#writable(fd.fd);
      else at += taken;
    }
  }

  #tryWrite(fd: OwnedFd, bytes: Uint8Array): number | "again" {
    try {
      return this.#files.write(fd.fd, bytes);
    } catch (thrown) {
      // EIO: of a terminal, on kernels that say so.
      if (!isErrno(thrown, "EPIPE", "EIO")) throw thrown;
      this.#drop();
      return bytes.length;
    }
  }

  #writable(fd: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#epoll.add(fd, EPOLL.OUT, (events) => {
        this.#epoll.remove(fd);
        this.#wake = undefined;
        // A terminal that is full and has nobody on the other side takes no more, and has no error for it.
        if ((events & EPOLL.HUP) !== 0) this.#drop();
        resolve();
      });
    });
  }

  #wake: (() => void) | undefined;

  #drop(): void {
    if (this.#closed) return;
    this.#closed = true;
    const fd = this.#fd;
    if (fd === undefined) return;
    if (this.#wake !== undefined) {
      this.#epoll.remove(fd.fd);
      this.#wake();
    }
    fd[Symbol.dispose]();
  }
}
