/**
 * @module
 * The file of the socket that an engine listens on: made where nothing is in the way, for root and the group tsd only, and
 * taken away by the engine that made it and by no other.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import { files, OwnedFd, sockets } from "../../sys/mod.ts";

const GROUP_FILE = "/etc/group";

/** Nothing may be at `path` but a socket that a killed engine left behind. @throws {TsdError} conflict */
export async function checkSocketPath(path: string): Promise<void> {
  const found = await statIfExists(path);
  if (found === undefined) return;
  const refuse = (why: string) => new TsdError("conflict", `Cannot listen on ${path}: ${why}`);
  if (!found.isSocket) throw refuse("something else than a socket is there; remove it, or give another path");
  if (await isAnswered(path)) throw refuse("another program answers there");
}

/** As many clients may wait until they are accepted; the kernel's own limit is mostly higher. */
const BACKLOG = 511;

/**
 * A socket that listens at `path`, in the place of one that was there: clients that look for the engine after a crash find
 * one of them at any moment. @throws {TsdError} storage
 */
export function listenAt(path: string): OwnedFd {
  using undo = new DisposableStack();
  // Not longer than the path, which is limited.
  const aside = path.replace(/[^/]$/, (last) => last === "~" ? "+" : "~");
  try {
    const socket = undo.use(new OwnedFd(sockets.unixSocket(), files));
    removeLeftover(aside);
    sockets.bindUnix(socket.fd, aside);
    sockets.listen(socket.fd, BACKLOG);
    Deno.renameSync(aside, path);
    undo.move();
    return socket;
  } catch (thrown) {
    throw new TsdError("storage", `Cannot listen on ${path}: ${toTsdError(thrown).message}`, { cause: thrown });
  }
}

/** An engine was killed between two steps. */
function removeLeftover(path: string): void {
  try {
    if (Deno.lstatSync(path).isSocket) Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** Gives the socket that this engine has just made its mode, and removes it at the end if it is still that one. */
export async function bindSocket(path: string): Promise<AsyncDisposable> {
  await restrict(path);
  const { dev, ino } = await Deno.lstat(path);
  return {
    async [Symbol.asyncDispose]() {
      const found = await statIfExists(path);
      if (found?.ino === ino && found.dev === dev) await removeIfExists(path);
    },
  };
}

/** Whether somebody accepts connections at `path`. */
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

/** Members of the group tsd may use the socket; without that group only root. */
async function restrict(path: string): Promise<void> {
  const gid = /^tsd:[^:]*:(\d+):/m.exec(await Deno.readTextFile(GROUP_FILE))?.[1];
  if (gid === undefined) return await Deno.chmod(path, 0o600);
  await Deno.chown(path, 0, Number(gid));
  await Deno.chmod(path, 0o660);
}

async function statIfExists(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

async function removeIfExists(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
