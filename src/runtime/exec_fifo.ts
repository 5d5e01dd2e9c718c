/**
 * @module
 * Starts a container that was created without running the runtime once more: its process waits to write one byte to the
 * FIFO `exec.fifo` in the runtime's state folder, and executes its command as soon as somebody reads it. That is all that
 * `runc start` does; a whole Go process for it takes as long as five of the engine's other steps.
 */
import { AT, cString, EPOLL, type Epoll, type FileCalls, isErrno, O, OwnedFd, type TreeCalls } from "../sys/mod.ts";

/** What starting needs of the machine. */
export interface ExecFifoCalls {
  readonly files: Pick<FileCalls, "open" | "read" | "close">;
  readonly tree: Pick<TreeCalls, "unlinkat">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
}

/** How long a process that waits may take to write its byte, in ms; it does so at once unless it is dead. */
const PATIENCE_MS = 1000;

/**
 * Lets the process behind `path` go on. False when nobody wrote: ask the runtime, which also knows why.
 * @throws {SysError} system_call
 */
export async function startByFifo(path: string, calls: ExecFifoCalls, patienceMs = PATIENCE_MS): Promise<boolean> {
  const { files, tree } = calls;
  using fifo = openFifo(path, files);
  if (fifo === undefined || !await isReadable(fifo.fd, calls.epoll, patienceMs)) return false;
  const count = files.read(fifo.fd, new Uint8Array(1));
  if (count !== 1) return false;
  // While it is there, the runtime takes the container for one that waits.
  tree.unlinkat(AT.FDCWD, cString(path), 0);
  return true;
}

/** Without O_NONBLOCK this would wait for a writer, which may be dead. */
function openFifo(path: string, files: ExecFifoCalls["files"]): OwnedFd | undefined {
  try {
    return new OwnedFd(files.open(cString(path), O.RDONLY | O.NONBLOCK), files);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return undefined;
    throw thrown;
  }
}

async function isReadable(fd: number, epoll: ExecFifoCalls["epoll"], patienceMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  epoll.add(fd, EPOLL.IN, () => resolve(true));
  const timer = setTimeout(() => resolve(false), patienceMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    epoll.remove(fd);
  }
}
