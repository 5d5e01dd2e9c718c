/**
 * @module
 * Polling descriptors that Deno's event loop doesn't support: FIFOs, ptys, pidfds. At most one `epoll_wait` runs at a
 * time, on a thread of Deno's blocking pool; handlers run on the JavaScript thread.
 */
import { ARCH } from "./arch.ts";
import { checked } from "./check.ts";
import { errnoOf, SysError } from "./errno.ts";
import { type FileCalls, files } from "./files.ts";
import { EPOLL, O } from "./flags.ts";
import { errno, libc } from "./libc.ts";

/** An event of one descriptor. `tag` is the value given when it was added. */
export interface PollEvent {
  readonly tag: bigint;
  /** `EPOLL` bits. */
  readonly events: number;
}

/** A change to the set of watched descriptors. */
export type PollChange = "add" | "modify" | "remove";

/** Calls on epoll. Every call throws {@link SysError}. */
export interface PollCalls {
  epollCreate(): number;
  epollChange(epollFd: number, change: PollChange, fd: number, events: number, tag: bigint): void;
  /** Waits without blocking the thread, forever if the timeout is -1. May resolve early with no events. */
  epollWait(epollFd: number, timeoutMs: number): Promise<readonly PollEvent[]>;
  /** Opens a non-blocking counter that wakes a waiter: write 8 bytes to it. */
  eventfd(): number;
}

const CHANGES = { add: 1, remove: 2, modify: 3 } as const;
const MAX_EVENTS = 64;
/** The value added to an eventfd's counter: 1, in the byte order of the machine. */
const WAKE_UP = new Uint8Array(new BigUint64Array([1n]).buffer);
const EINTR = errnoOf("EINTR");
const { sizeBytes: EVENT_BYTES, dataOffset: DATA_OFFSET } = ARCH.epollEvent;

async function epollWait(epollFd: number, timeoutMs: number): Promise<readonly PollEvent[]> {
  const buffer = new Uint8Array(EVENT_BYTES * MAX_EVENTS);
  // SAFETY: the buffer holds MAX_EVENTS events and is referenced here until the call has returned.
  let count = await libc.epollWaitBlocking(epollFd, buffer, MAX_EVENTS, timeoutMs);
  if (count < 0) {
    // The errno of the other thread is out of reach. It was a signal, or a second call on this thread fails in the same
    // way.
    count = libc.epoll_wait(epollFd, buffer, MAX_EVENTS, 0);
    if (count < 0) {
      const code = errno();
      if (code !== EINTR) throw new SysError("epoll_wait", code);
    }
  }
  const v = new DataView(buffer.buffer);
  return Array.from({ length: Math.max(count, 0) }, (_, i) => ({
    events: v.getUint32(i * EVENT_BYTES, true),
    tag: v.getBigUint64(i * EVENT_BYTES + DATA_OFFSET, true),
  }));
}

/** The real {@link PollCalls}. */
export const poll: PollCalls = {
  // SAFETY: no memory is passed.
  epollCreate: () => checked(libc.epoll_create1(O.CLOEXEC), "epoll_create1"),
  epollChange(epollFd, change, fd, events, tag) {
    const event = new Uint8Array(EVENT_BYTES);
    const v = new DataView(event.buffer);
    v.setUint32(0, events >>> 0, true);
    v.setBigUint64(DATA_OFFSET, tag, true);
    // SAFETY: event is one struct epoll_event, which the kernel copies.
    checked(libc.epoll_ctl(epollFd, CHANGES[change], fd, event), "epoll_ctl", fd);
  },
  epollWait,
  // SAFETY: no memory is passed. EFD_CLOEXEC and EFD_NONBLOCK have the values of the O flags.
  eventfd: () => checked(libc.eventfd(0, O.CLOEXEC | O.NONBLOCK), "eventfd"),
};

/** Called with `EPOLL` bits, on the event loop: read until "again" with a limit, never block. */
export type PollHandler = (events: number) => void;

/** Options of an {@link Epoll}. */
export interface EpollOptions {
  /** Receives errors thrown by handlers; the loop continues. */
  readonly onHandlerError: (thrown: unknown, fd: number) => void;
  readonly calls?: PollCalls;
  readonly files?: Pick<FileCalls, "write" | "close">;
}

interface Watch {
  readonly handler: PollHandler;
  readonly tag: bigint;
}

/**
 * A set of watched descriptors and the loop that calls their handlers. It doesn't own the descriptors: {@link remove}
 * one before closing it. Always close the `Epoll` (`await using`): its loop keeps the process alive.
 */
export class Epoll implements AsyncDisposable {
  readonly #calls: PollCalls;
  readonly #files: Pick<FileCalls, "write" | "close">;
  readonly #onHandlerError: EpollOptions["onHandlerError"];
  readonly #epollFd: number;
  readonly #wakeFd: number;
  readonly #watches = new Map<number, Watch>();
  #nextGeneration = 1n;
  #loopDone: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor({ onHandlerError, calls = poll, files: fileCalls = files }: EpollOptions) {
    this.#calls = calls;
    this.#files = fileCalls;
    this.#onHandlerError = onHandlerError;
    this.#epollFd = calls.epollCreate();
    this.#wakeFd = calls.eventfd();
    calls.epollChange(this.#epollFd, "add", this.#wakeFd, EPOLL.IN, tagOf(this.#wakeFd, 0n));
  }

  /** Number of watched descriptors. */
  get size(): number {
    return this.#watches.size;
  }

  /**
   * Watches `fd` for `EPOLL` events (ERR and HUP are always reported).
   * @throws {SysError} EEXIST when it is already watched
   */
  add(fd: number, events: number, handler: PollHandler): void {
    // A descriptor number can be closed and reused while events for it are pending: the generation tells them apart.
    const tag = tagOf(fd, this.#nextGeneration++ & 0xffff_ffffn);
    this.#calls.epollChange(this.#epollFd, "add", fd, events, tag);
    this.#watches.set(fd, { handler, tag });
  }

  /** Changes the events of a watched descriptor; with 0, only ERR and HUP are reported. */
  modify(fd: number, events: number): void {
    this.#calls.epollChange(this.#epollFd, "modify", fd, events, this.#watches.get(fd)?.tag ?? tagOf(fd, 0n));
  }

  /** Stops watching. The handler isn't called again, not even for pending events. */
  remove(fd: number): void {
    this.#watches.delete(fd);
    this.#calls.epollChange(this.#epollFd, "remove", fd, 0, 0n);
  }

  /** Runs the loop until {@link close}. @throws {SysError} when epoll_wait fails */
  run(): Promise<void> {
    return this.#loopDone ??= this.#loop();
  }

  /** Stops the loop and closes its descriptors. Don't await it inside a handler: the loop waits for the handler. */
  close(): Promise<void> {
    return this.#closed ??= this.#shutDown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #shutDown(): Promise<void> {
    this.#files.write(this.#wakeFd, WAKE_UP);
    try {
      await this.#loopDone;
    } finally {
      this.#files.close(this.#wakeFd);
      this.#files.close(this.#epollFd);
    }
  }

  async #loop(): Promise<void> {
    while (this.#closed === undefined) {
      for (const event of await this.#calls.epollWait(this.#epollFd, -1)) this.#dispatch(event);
    }
  }

  #dispatch({ tag, events }: PollEvent): void {
    const fd = Number(tag & 0xffff_ffffn);
    const watch = this.#watches.get(fd);
    if (watch?.tag !== tag || this.#closed !== undefined) return;
    try {
      watch.handler(events);
    } catch (thrown) {
      this.#onHandlerError(thrown, fd);
    }
  }
}

function tagOf(fd: number, generation: bigint): bigint {
  return (generation << 32n) | BigInt(fd);
}
