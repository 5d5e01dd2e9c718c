/**
 * @module
 * The process that answers for names. It is no part of the engine, because containers run on where that ends, is killed or
 * becomes another one, and their names with them. It knows what the last engine has told it, may do nothing but read and
 * use the network, and ends when it is told to, when nobody has had a name for a while, or when its socket has gone.
 */
import type { Log } from "../../log.ts";
import { connectionsOf } from "./accepting.ts";
import { messagesFrom, type NameReply, type NameRequest, toLine } from "./control.ts";
import { NameServer } from "./name_server.ts";
import { removeIfExists } from "../../io/if_exists.ts";
import { isEnded } from "./tcp_messages.ts";

/** How long nobody may have a name, in ms: the next container needn't wait for another process. */
const IDLE_MS = 30_000;
/** How often it looks whether its socket is still there, in ms. */
const LOOK_MS = 10_000;

/** Answers until it is over. @param socketPath where engines come; whatever was there is replaced */
export async function serveNames(socketPath: string, log: Log): Promise<void> {
  const over = Promise.withResolvers<void>();
  await using server = new NameServer({ log });
  using listener = listen(socketPath);
  dropPermissions();
  const own = inodeOf(socketPath);
  const look = setInterval(() => inodeOf(socketPath) === own || over.resolve(), LOOK_MS);
  let idle = setTimeout(over.resolve, IDLE_MS);
  const heed = async (request: NameRequest): Promise<NameReply> => {
    clearTimeout(idle);
    if ("end" in request) {
      await server[Symbol.asyncDispose]();
      setTimeout(over.resolve, 0);
      return { troubles: [] };
    }
    if (request.table.containers.length === 0) idle = setTimeout(over.resolve, IDLE_MS);
    return { troubles: await server.update(request.table) };
  };
  void accept(listener, heed, log);
  await over.promise;
  clearInterval(look);
  clearTimeout(idle);
}

function listen(path: string): Deno.Listener {
  removeIfExists(path);
  const listener = Deno.listen({ transport: "unix", path });
  Deno.chmodSync(path, 0o600);
  return listener;
}

/** What a container sends is read here, and nothing that it could do with us may reach further. */
function dropPermissions(): void {
  for (const name of ["run", "ffi", "write", "env", "sys"] as const) Deno.permissions.revokeSync({ name });
}

async function accept(
  listener: Deno.Listener,
  heed: (request: NameRequest) => Promise<NameReply>,
  log: Log,
): Promise<void> {
  // One after another, whichever engine they are from: the last one counts.
  let turn = Promise.resolve();
  const serve = async (connection: Deno.Conn) => {
    using _connection = connection;
    for await (const request of messagesFrom<NameRequest>(connection.readable)) {
      const done = turn.then(() => heed(request));
      turn = done.then(() => undefined, () => undefined);
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
