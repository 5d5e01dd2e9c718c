/**
 * @module
 * Lets clients connect to an engine: by its socket, and by the command server.
 */
import type { ApiServer } from "../api/http/server.ts";
import { openCommandServer } from "../command_server/command_server.ts";
import type { ServedCommands } from "../command_server/served_commands.ts";
import type { EngineClaim } from "../engine/lifecycle/claim.ts";
import type { EnginePhase } from "../engine/lifecycle/phase.ts";
import type { Engine } from "../engine/mod.ts";
import { pipes } from "../sys/mod.ts";

/** How long requests in flight may take at shutdown, in ms. */
export const CLOSE_GRACE_MS = 500;
/**
 * How long output waits for clients that were attached to the previous engine, in ms: after a re-execution, and after a
 * crash, from which docker's clients don't reconnect.
 */
const RETURN_LIMIT_MS = { reload: 3_000, crash: 1_000 } as const;
/** Where no core is free, clients need longer, as the engine did to start: a multiple of its own start, up to a limit in ms. */
const [RETURN_PER_START, MOST_RETURN_MS] = [3, 10_000];

/** What serves clients. */
export interface Listener {
  readonly server: ApiServer;
  /** Undefined if this form of the program has no command server. */
  readonly commands: ServedCommands | undefined;
}

/**
 * Opens the socket and serves the API on it.
 * @param ending closes all of it in reverse order; at a re-execution the socket stays
 */
export async function openListener(
  engine: Engine,
  server: ApiServer,
  ending: AsyncDisposableStack,
  { claim: { socket, before }, phase }: { readonly claim: EngineClaim; readonly phase: EnginePhase },
): Promise<Listener> {
  const { runtime: { epoll, stdioRouter }, tasks: { fdHolders }, settings: { log } } = engine;
  await socket.open();
  await server.listen(pipes.duplicate(socket.listener.fd));
  phase.isUp = true;
  stdioRouter.limitWaiting(returnLimitMs(before === undefined ? "crash" : "reload"));
  ending.defer(() => phase.reexec === undefined ? socket[Symbol.asyncDispose]() : undefined);
  // Its commands need requests to finish, so it is closed after the server, and accepts no commands before that.
  const commands = openCommandServer({ socketPath: socket.path, api: server.direct, epoll, log });
  if (commands !== undefined) ending.use(commands);
  ending.defer(() => server.close(phase.reexec === undefined ? CLOSE_GRACE_MS : 0));
  // From here on, a client that loses its connection has not ended its input.
  ending.defer(() => fdHolders.leave());
  ending.defer(() => commands?.leave());
  return { server, commands };
}

/** How long output waits for clients to return; `performance.now()` is the engine's age. */
const returnLimitMs = (after: keyof typeof RETURN_LIMIT_MS): number =>
  Math.max(RETURN_LIMIT_MS[after], Math.min(RETURN_PER_START * performance.now(), MOST_RETURN_MS));
