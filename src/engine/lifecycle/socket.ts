/**
 * @module
 * The socket of an engine. It is claimed when the engine starts, before anything else is touched, and appears at its path
 * when the engine is ready: until then it listens beside the path, under the same name with another last character. That
 * name is what engines compete for, so two that start at once never get the same path; a client that waits for an engine
 * finds at the path either what a killed engine left, which refuses connections, or an engine that answers.
 *
 * The file is for root and the group tsd only, and is removed by the engine that made it and by no other.
 */
import { dirname } from "node:path";
import { toTsdError, TsdError } from "../../errors.ts";
import { readIfExists, removeIfExists } from "../../io/if_exists.ts";
import { files, isErrno, OwnedFd, sockets, tryLockDirectory } from "../../sys/mod.ts";

const GROUP_FILE = "/etc/group";
/** Connections that wait to be accepted; the kernel's own limit is mostly higher. */
const BACKLOG = 511;
/** How long another process may hold the lock on the socket's directory, in ms: an engine holds it for a few calls. */
const [LOCK_LIMIT_MS, LOCK_POLL_MS] = [2_000, 5];

/** The file of a socket: a path may lead to another one meanwhile. */
interface SocketFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number | null;
}

/** See the module's comment. Disposing closes it and removes its file. */
export class EngineSocket implements AsyncDisposable {
  readonly path: string;
  readonly listener: OwnedFd;
  #file: SocketFile | undefined;

  private constructor(file: SocketFile, path: string, listener: OwnedFd) {
    this.#file = file;
    this.path = path;
    this.listener = listener;
  }

  /**
   * Reserves a path that nothing is at, or only what a killed engine left there.
   * @param lockLimitMs how long another process may hold the lock on the directory
   * @throws {TsdError} conflict: another program listens there, or it is no socket; storage: the directory can't be used
   */
  static async claim(path: string, lockLimitMs = LOCK_LIMIT_MS): Promise<EngineSocket> {
    return await attempting(path, async () => {
      using _lock = await directoryLock(path, lockLimitMs);
      await requireFree(path, "another program answers there");
      const beside = besidePath(path);
      await requireFree(beside, "another engine is starting there");
      removeIfExists(beside);
      using undo = new DisposableStack();
      const listener = undo.use(listenAt(beside));
      undo.defer(() => removeIfExists(beside));
      const socket = new EngineSocket(fileAt(beside), path, listener);
      undo.move();
      return socket;
    });
  }

  /** The socket of an engine that has executed itself anew; where its file was removed meanwhile, a new one is claimed. */
  static async takeOver(path: string, listener: OwnedFd): Promise<EngineSocket> {
    if (lstatIfThere(path) !== undefined) return new EngineSocket(fileAt(path), path, listener);
    listener.close();
    return await EngineSocket.claim(path);
  }

  /** Puts it at its path, where clients look for it. @throws {TsdError} as {@link EngineSocket.claim} */
  async open(): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new TsdError("internal", `The socket ${this.path} is closed`);
    await attempting(this.path, async () => {
      restrict(file.path);
      if (file.path === this.path) return;
      using _lock = await directoryLock(this.path, LOCK_LIMIT_MS);
      await requireFree(this.path, "another program answers there");
      // At once: clients that wait for an engine to come back are never told that there is no socket.
      Deno.renameSync(file.path, this.path);
      this.#file = { ...file, path: this.path };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return Promise.resolve();
    const found = lstatIfThere(file.path);
    if (found?.ino === file.ino && found.dev === file.dev) removeIfExists(file.path);
    this.listener.close();
    return Promise.resolve();
  }
}

/** Listens at a path where there is no file. @throws {SysError} */
export function listenAt(path: string): OwnedFd {
  using undo = new DisposableStack();
  const socket = undo.use(new OwnedFd(sockets.unixSocket(), files));
  sockets.bindUnix(socket.fd, path);
  sockets.listen(socket.fd, BACKLOG);
  undo.move();
  return socket;
}

/** Whether a program accepts connections at `path`. */
export async function isAnswered(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.ConnectionRefused || thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** The name under which an engine listens until it is ready. Not longer than the path, which is limited. */
const besidePath = (path: string): string => path.replace(/[^/]$/, (last) => last === "~" ? "+" : "~");

/** Nothing may be at `path` but a socket that a killed engine left. @throws {TsdError} conflict */
async function requireFree(path: string, answered: string): Promise<void> {
  const found = lstatIfThere(path);
  if (found === undefined) return;
  if (!found.isSocket) {
    throw new TsdError("conflict", "something else than a socket is there; remove it, or give another path");
  }
  if (await isAnswered(path)) throw new TsdError("conflict", answered);
}

/**
 * Excludes other engines that claim a socket in the same directory. A file system without locks leaves the moment open
 * between looking at a path and taking it.
 */
async function directoryLock(path: string, limitMs: number): Promise<Disposable> {
  const directory = dirname(path);
  try {
    for (const deadline = Date.now() + limitMs;;) {
      const lock = tryLockDirectory(directory);
      if (lock !== "held") return lock;
      if (Date.now() > deadline) throw new TsdError("timeout", `another program holds a lock on ${directory}`);
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    }
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) {
      throw new TsdError("storage", `there is no directory ${directory}`, { cause: thrown });
    }
    if (isErrno(thrown, "ENOLCK", "EOPNOTSUPP", "ENOSYS")) return { [Symbol.dispose]: () => {} };
    throw thrown;
  }
}

/** Members of the group tsd may use the socket; without that group only root. */
function restrict(path: string): void {
  const gid = /^tsd:[^:]*:(\d+):/m.exec(readIfExists(GROUP_FILE) ?? "")?.[1];
  if (gid === undefined) return Deno.chmodSync(path, 0o600);
  Deno.chownSync(path, 0, Number(gid));
  Deno.chmodSync(path, 0o660);
}

/** Says what was attempted, whatever goes wrong. @throws {TsdError} */
async function attempting<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (thrown) {
    const { code, message } = toTsdError(thrown);
    const known = code === "conflict" || code === "timeout" ? code : "storage";
    throw new TsdError(known, `Cannot listen on ${path}: ${message}`, { cause: thrown });
  }
}

function fileAt(path: string): SocketFile {
  const { dev, ino } = Deno.lstatSync(path);
  return { path, dev, ino };
}

function lstatIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
