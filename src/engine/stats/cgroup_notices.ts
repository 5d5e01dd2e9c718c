/**
 * @module
 * Kernel notifications about changed counters of a cgroup. They are optional: counters are read in any case, so without
 * notifications (old kernels, kernels with a reduced cgroup v1, too many open files) only the time of a change is unknown.
 */
import type { Log } from "../../log.ts";
import { cString, EPOLL, type Epoll, type FileCalls, O, OwnedFd, type PollCalls, SysError } from "../../sys/mod.ts";

/** The two mechanisms, one for each cgroup version. The callback is called until the result is disposed of. */
export interface CgroupNotices {
  /** cgroup v1: an eventfd that is registered in `cgroup.event_control` next to the file. */
  eventfd(path: string, callback: () => void): Disposable;
  /** cgroup v2: polls the file itself for priority events. */
  poll(path: string, callback: () => void): Disposable;
}

export interface NoticeCalls {
  readonly files: Pick<FileCalls, "open" | "read" | "pread" | "write" | "close">;
  readonly poll: Pick<PollCalls, "eventfd">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  readonly log: Log;
}

/** Size of an eventfd's counter, in bytes. */
const COUNTER_BYTES = 8;
const READ_BYTES = 256;
const NOTHING: Disposable = { [Symbol.dispose]: () => undefined };

/** {@link CgroupNotices} of the kernel. */
export class KernelNotices implements CgroupNotices {
  readonly #calls: NoticeCalls;

  constructor(calls: NoticeCalls) {
    this.#calls = calls;
  }

  eventfd(path: string, callback: () => void): Disposable {
    const { files, poll } = this.#calls;
    return this.#unlessRefused(path, (stack) => {
      const counter = stack.use(new OwnedFd(poll.eventfd(), files));
      using watched = new OwnedFd(files.open(cString(path), O.RDONLY), files);
      const control = path.replace(/[^/]+$/, "cgroup.event_control");
      using registry = new OwnedFd(files.open(cString(control), O.WRONLY), files);
      files.write(registry.fd, new TextEncoder().encode(`${counter.fd} ${watched.fd}`));
      const buffer = new Uint8Array(COUNTER_BYTES);
      this.#watch(stack, counter, EPOLL.IN, () => {
        files.read(counter.fd, buffer);
        callback();
      });
    });
  }

  poll(path: string, callback: () => void): Disposable {
    const { files } = this.#calls;
    return this.#unlessRefused(path, (stack) => {
      const file = stack.use(new OwnedFd(files.open(cString(path), O.RDONLY), files));
      // The kernel notifies only of changes after a read.
      const read = () => files.pread(file.fd, new Uint8Array(READ_BYTES), 0);
      read();
      this.#watch(stack, file, EPOLL.PRI, () => {
        read();
        callback();
      });
    });
  }

  #watch(stack: DisposableStack, { fd }: OwnedFd, events: number, handler: () => void): void {
    const { epoll } = this.#calls;
    epoll.add(fd, events, handler);
    stack.defer(() => epoll.remove(fd));
  }

  #unlessRefused(path: string, open: (stack: DisposableStack) => void): Disposable {
    using stack = new DisposableStack();
    try {
      open(stack);
      return stack.move();
    } catch (thrown) {
      if (!(thrown instanceof SysError)) throw thrown;
      this.#calls.log.debug("the kernel doesn't tell of killed processes", { path, error: String(thrown) });
      return NOTHING;
    }
  }
}
