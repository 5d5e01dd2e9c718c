/**
 * @module
 * The DNS process. It is separate from the engine because containers, and so their names, outlive an engine that exits,
 * is killed or is replaced by re-exec. It serves the table that the last engine sent, has permissions to read and to
 * use the network only, and exits when told to, when no container has had a name for a while, or when its socket was
 * removed.
 */
import type { Log } from "../../log.ts";
import { connectionsOf } from "./accepting.ts";
import { messagesFrom, type NameReply, type NameRequest, toLine } from "./control.ts";
import { NameServer } from "./name_server.ts";
import { removeIfExists } from "../../io/if_exists.ts";
import { isEnded } from "./tcp_messages.ts";

/** How long to live without any container, in ms, so that the next one needn't wait for a new process. */
const IDLE_MS = 30_000;
/** How often to check that its socket still exists, in ms. */
const SOCKET_CHECK_MS = 10_000;

/**
 * Serves DNS until the process should exit.
 * @param socketPath Unix socket for engines; an existing file is replaced
 */
export async function serveNames(socketPath: string, log: Log): Promise<void> {
  const finished = Promise.withResolvers<void>();
  await using server = new NameServer({ log });
  using listener = listen(socketPath);
  dropPermissions();
  const socketInode = inodeOf(socketPath);
  const socketCheck = setInterval(() => inodeOf(socketPath) === socketInode || finished.resolve(), SOCKET_CHECK_MS);
  let idle = setTimeout(finished.resolve, IDLE_MS);
  const handle = async (request: NameRequest): Promise<NameReply> => {
    clearTimeout(idle);
    if ("end" in request) {
      await server[Symbol.asyncDispose]();
      setTimeout(finished.resolve, 0);
      return { troubles: [] };
    }
    if (request.table.containers.length === 0) idle = setTimeout(finished.resolve, IDLE_MS);
    return { troubles: await server.update(request.table) };
  };
  void accept(listener, handle, log);
  await finished.promise;
  clearInterval(socketCheck);
  clearTimeout(idle);
}

function listen(path: string): Deno.Listener {
  removeIfExists(path);
  const listener = Deno.listen({ transport: "unix", path });
  Deno.chmodSync(path, 0o600);
  return listener;
}

/** Drops permissions: this process parses untrusted messages, and an exploit must not reach further. */
function dropPermissions(): void {
  for (const name of ["run", "ffi", "write", "env", "sys"] as const) Deno.permissions.revokeSync({ name });
}

async function accept(
  listener: Deno.Listener,
  handle: (request: NameRequest) => Promise<NameReply>,
  log: Log,
): Promise<void> {
  // Requests are handled one after another, from whichever engine: the last table wins.
  let queue = Promise.resolve();
  const serve = async (connection: Deno.Conn) => {
    using _connection = connection;
    for await (const request of messagesFrom<NameRequest>(connection.readable)) {
      const done = queue.then(() => handle(request));
      queue = done.then(() => undefined, () => undefined);
      await connection.write(toLine(await done));
    }
  };
  for await (const connection of connectionsOf(listener, log)) {
    void serve(connection).catch((thrown) => {
      if (!isEnded(thrown)) log.error("an engine was not heeded", { error: String(thrown) });
    });
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return Deno.lstatSync(path).ino ?? undefined;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
