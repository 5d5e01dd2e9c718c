/**
 * @module
 * Starts a container that was created without running the runtime once more: its process waits to write one byte to the
 * FIFO `exec.fifo` in the runtime's state directory, and executes its program as soon as that is read. Reading it to its end
 * is all that `runc start` does; a whole Go process for it takes as long as five of the engine's other steps.
 */
import { TsdError } from "../errors.ts";
import { AT, cString, EPOLL, type Epoll, type FileCalls, isErrno, O, OwnedFd, type TreeCalls } from "../sys/mod.ts";

/** What starting needs of the machine. */
export interface ExecFifoCalls {
  readonly files: Pick<FileCalls, "open" | "read" | "close">;
  readonly tree: Pick<TreeCalls, "unlinkat">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
}

/** How long a process that waits may take to write its byte, in ms; it does so at once unless it is dead. */
const WRITE_TIMEOUT_MS = 1000;
/** How long it may take from there to its execve(2), in ms: the `startContainer` hooks run in between. */
const EXECVE_TIMEOUT_MS = 30_000;

/** How long the steps of a start may take, in ms. */
export interface ExecFifoTimeouts {
  readonly writeMs?: number;
  readonly execveMs?: number;
}

/**
 * Lets the process behind `path` go on, and resolves once it executes the container's program: its end of the FIFO is
 * closed by execve(2), or by its exit. A signal that is sent earlier reaches the runtime's init instead.
 * @returns false when nobody wrote: ask the runtime, which also knows why
 * @throws {SysError} system_call
 * @throws {TsdError} timeout: it wrote its byte and executed nothing
 */
export async function startByFifo(
  path: string,
  calls: ExecFifoCalls,
  { writeMs = WRITE_TIMEOUT_MS, execveMs = EXECVE_TIMEOUT_MS }: ExecFifoTimeouts = {},
): Promise<boolean> {
  const { files, tree, epoll } = calls;
  using fifo = openFifo(path, files);
  if (fifo === undefined || !await isReadable(fifo.fd, epoll, writeMs)) return false;
  const byte = new Uint8Array(1);
  if (files.read(fifo.fd, byte) !== 1) return false;
  // While it is there, the runtime takes the container for one that waits.
  tree.unlinkat(AT.FDCWD, cString(path), 0);
  while (files.read(fifo.fd, byte) !== 0) {
    if (await isReadable(fifo.fd, epoll, execveMs)) continue;
    throw new TsdError("timeout", `The container's process did not execute its program within ${execveMs / 1000} s`);
  }
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

async function isReadable(fd: number, epoll: ExecFifoCalls["epoll"], timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  epoll.add(fd, EPOLL.IN, () => resolve(true));
  const timer = setTimeout(() => resolve(false), timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    epoll.remove(fd);
  }
}
