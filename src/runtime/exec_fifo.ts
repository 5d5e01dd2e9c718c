/**
 * @module
 * Starts a created container without running the runtime again. The init process waits to write one byte to the FIFO
 * `exec.fifo` in the runtime's state directory, and executes the container's program once that byte is read. `runc
 * start` does no more than read the FIFO to its end, and running a Go process for it takes as long as five other steps
 * of the engine.
 */
import { TsdError } from "../errors.ts";
import { AT, cString, EPOLL, type Epoll, type FileCalls, isErrno, O, OwnedFd, type TreeCalls } from "../sys/mod.ts";

/** The system calls that a start through the FIFO needs. */
export interface ExecFifoCalls {
  readonly files: Pick<FileCalls, "open" | "read" | "close">;
  readonly tree: Pick<TreeCalls, "unlinkat">;
  readonly epoll: Pick<Epoll, "add" | "remove">;
}

/** Time for a waiting process to write its byte, in ms. It does so at once unless it is dead. */
const WRITE_TIMEOUT_MS = 1000;
/** Time from the byte to execve(2), in ms. The `startContainer` hooks run in between. */
const EXECVE_TIMEOUT_MS = 30_000;

/** Timeouts of the steps of a start, in ms. */
export interface ExecFifoTimeouts {
  readonly writeMs?: number;
  readonly execveMs?: number;
}

/**
 * Starts the program of a created container. Resolves once the init process has closed its end of the FIFO, which
 * execve(2) or its exit does. A signal sent earlier would reach the runtime's init instead of the program.
 * @param path absolute path of `exec.fifo`
 * @returns false if there is no FIFO or no process wrote to it: start the container with the runtime, which reports why
 * @throws {SysError} system_call
 * @throws {TsdError} timeout, if the process wrote its byte and executed no program
 */
export async function startThroughFifo(
  path: string,
  calls: ExecFifoCalls,
  { writeMs = WRITE_TIMEOUT_MS, execveMs = EXECVE_TIMEOUT_MS }: ExecFifoTimeouts = {},
): Promise<boolean> {
  const { files, tree, epoll } = calls;
  using fifo = openFifo(path, files);
  if (fifo === undefined || !await isReadable(fifo.fd, epoll, writeMs)) return false;
  const byte = new Uint8Array(1);
  if (files.read(fifo.fd, byte) !== 1) return false;
  removeFifo(path, tree);
  while (files.read(fifo.fd, byte) !== 0) {
    if (await isReadable(fifo.fd, epoll, execveMs)) continue;
    throw new TsdError("timeout", `The container's process did not execute its program within ${execveMs / 1000} s`);
  }
  return true;
}

/** As long as the FIFO exists, the runtime reports the container as created. Another program may have removed it. */
function removeFifo(path: string, tree: ExecFifoCalls["tree"]): void {
  try {
    tree.unlinkat(AT.FDCWD, cString(path), 0);
  } catch (thrown) {
    if (!isErrno(thrown, "ENOENT")) throw thrown;
  }
}

/** Opens the FIFO for reading. Without O_NONBLOCK this would wait for a writer, which may be dead. */
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
