/**
 * @module
 * Being told by the kernel that a counter of a cgroup has changed. It is an addition: counters are read in any case, so
 * where the kernel can't tell (an old one, one whose version 1 is being taken out, too many open files) nothing but the
 * moment is lost.
 */
import type { Log } from "../../log.ts";
import { cString, EPOLL, type Epoll, type FileCalls, O, OwnedFd, type PollCalls, SysError } from "../../sys/mod.ts";

/** The two ways; one for each cgroup version. */
export interface CgroupNotices {
  /** Version 1: an eventfd that is written down in `cgroup.event_control` beside the file. */
  eventfd(path: string, callback: () => void): Disposable;
  /** Version 2: the file itself polls for priority input. */
  poll(path: string, callback: () => void): Disposable;
}

export interface NoticeCalls {
  readonly files: Pick<FileCalls, "open" | "read" | "pread" | "write" | "close">;
  readonly poll: Pick<PollCalls, "eventfd">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  readonly log: Log;
}

/** Bytes of an eventfd's counter. */
const COUNTER_BYTES = 8;
const READ_BYTES = 256;
const NOTHING: Disposable = { [Symbol.dispose]: () => undefined };

/** The real {@link CgroupNotices}. */
export class KernelNotices implements CgroupNotices {
  readonly #calls: NoticeCalls;

  constructor(calls: NoticeCalls) {
    this.#calls = calls;
  }

  eventfd(path: string, callback: () => void): Disposable {
    const { files, poll } = this.#calls;
    return this.#unlessRefused(path, (owned) => {
      const counter = owned.use(new OwnedFd(poll.eventfd(), files));
      using watched = new OwnedFd(files.open(cString(path), O.RDONLY), files);
      const control = path.replace(/[^/]+$/, "cgroup.event_control");
      using registry = new OwnedFd(files.open(cString(control), O.WRONLY), files);
      files.write(registry.fd, new TextEncoder().encode(`${counter.fd} ${watched.fd}`));
      const buffer = new Uint8Array(COUNTER_BYTES);
      this.#watch(owned, counter, EPOLL.IN, () => {
        files.read(counter.fd, buffer);
        callback();
      });
    });
  }

  poll(path: string, callback: () => void): Disposable {
    const { files } = this.#calls;
    return this.#unlessRefused(path, (owned) => {
      const file = owned.use(new OwnedFd(files.open(cString(path), O.RDONLY), files));
      // Only a reader from the start is told of the next change.
      const read = () => files.pread(file.fd, new Uint8Array(READ_BYTES), 0);
      read();
      this.#watch(owned, file, EPOLL.PRI, () => {
        read();
        callback();
      });
    });
  }

  #watch(owned: DisposableStack, { fd }: OwnedFd, events: number, handler: () => void): void {
    const { epoll } = this.#calls;
    epoll.add(fd, events, handler);
    owned.defer(() => epoll.remove(fd));
  }

  #unlessRefused(path: string, open: (owned: DisposableStack) => void): Disposable {
    using owned = new DisposableStack();
    try {
      open(owned);
      return owned.move();
    } catch (thrown) {
      if (!(thrown instanceof SysError)) throw thrown;
      this.#calls.log.debug("the kernel doesn't tell of killed processes", { path, error: String(thrown) });
      return NOTHING;
    }
  }
}
