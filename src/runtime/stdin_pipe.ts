/**
 * @module
 * The writing end of a process's standard input: a FIFO that the process opens read-only, so that closing this end is
 * its end of file, or a duplicate of its terminal's master (see `terminalInput`). Writes wait while the process is
 * slow, and are dropped once it has closed its end.
 */
import { EPOLL, type Epoll, type FileCalls, isErrno, type OwnedFd } from "../sys/mod.ts";

/** Writes to the standard input of one process. All attached clients share it. */
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

  /** The descriptor, while it is open. */
  get fd(): number | undefined {
    return this.#closed ? undefined : this.#fd?.fd;
  }

  /** Resolves when {@link StdinPipe.close} has closed the pipe. Stays pending if the process exited first. */
  get closed(): Promise<void> {
    return this.#closedByClient.promise;
  }

  /** Sets the descriptor and takes ownership of it. Writes made earlier are carried out now. */
  open(fd: OwnedFd): void {
    this.#fd = fd;
    this.#opened.resolve(fd);
  }

  /** Writes bytes in the order of the calls. Resolves once the kernel has them, or once they can't be delivered. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#tail = this.#tail.then(() => this.#write(bytes));
  }

  /** Signals end of file after all pending writes. */
  close(): Promise<void> {
    return this.#tail = this.#tail.then(async () => {
      await this.#opened.promise;
      this.#drop();
      this.#closedByClient.resolve();
    });
  }

  /** Closes the pipe at once, because the process has exited or never started. Pending writes are dropped. */
  abandon(): void {
    this.#opened.resolve(undefined);
    this.#drop();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const fd = await this.#opened.promise;
    for (let at = 0; at < bytes.length && fd !== undefined && !this.#closed;) {
      const written = this.#tryWrite(fd, bytes.subarray(at));
      if (written === "again") await this.#writable(fd.fd);
      else at += written;
    }
  }

  #tryWrite(fd: OwnedFd, bytes: Uint8Array): number | "again" {
    try {
      return this.#files.write(fd.fd, bytes);
    } catch (thrown) {
      // Some kernels report EIO for a terminal whose other side is closed.
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
        // A full terminal whose other side is closed accepts no bytes and reports no error.
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
