import type { ContainerWaitResponse } from "../../api_types/mod.ts";
import { type PendingExit, startContainer } from "../../client/containers.ts";
import type { EngineTransport, RawStream } from "../../client/transport.ts";
import { isConnectionLost } from "../../client/reconnect.ts";
import { TsdError } from "../../errors.ts";
import { ContainerLink, type ContainerLinkOptions } from "./attach_session.ts";
import type { CommandContext } from "../context.ts";
import type { Attachment } from "./create_request.ts";
import { hasStarted } from "./lost_start.ts";
import { followContainerSize, proxySignals } from "./signal_proxy.ts";
import { StdioSession } from "../stdio_session.ts";

export interface AttachedRunOptions {
  readonly attach: Attachment;
  /** The key sequence that detaches and leaves the container running. Default: the engine's. */
  readonly detachKeys?: string | undefined;
  readonly tty: boolean;
  /** The engine removes the container when it exits; wait for the removal. */
  readonly autoRemove: boolean;
  readonly proxySignals: boolean;
  /** Another process has already attached to the container and started it. */
  readonly isResumed?: boolean;
}

/**
 * Starts a container with the local standard streams attached and resolves to its exit code (0 if the user detached).
 * Attaching and waiting begin before the start, so that neither output nor exit is missed.
 */
export async function runAttached(context: CommandContext, id: string, options: AttachedRunOptions): Promise<number> {
  const { engine, terminal, clock } = context;
  const { attach: { stdin }, tty, detachKeys } = options;
  const linkOptions = {
    attach: { ...options.attach, ...(detachKeys && { detachKeys }) },
    first: options.autoRemove ? "removed" : "next-exit",
    afterReconnect: options.autoRemove ? "removed" : "not-running",
  } as const;
  using _signals = options.proxySignals && !tty ? proxySignals(terminal, engine, id) : undefined;
  const { link, stream, isStarted } = await openLink(engine, id, linkOptions, options);
  if (!isStarted) clock?.lap("attach and wait");
  const { autoRemove, proxySignals: sigProxy } = options;
  terminal.host?.resumeAs(["__resume", "run", `--rm=${autoRemove}`, `--sig-proxy=${sigProxy}`, id]);
  using session = new StdioSession(terminal, stream, { stdin, tty, detachKeys, reconnect: () => link.reconnect() });
  if (!isStarted) await startOrCleanUp(context, id, link.pending, options.autoRemove);
  clock?.lap("start");
  using _size = tty ? followContainerSize(terminal, engine, id) : undefined;
  const end = await session.end();
  clock?.lap("end of the process");
  if (end === "detached") {
    await link.pending.cancel();
    return 0;
  }
  if (session.exitCode !== undefined) return session.exitCode;
  const result = await link.result();
  clock?.lap(options.autoRemove ? "removal" : "exit code");
  return exitCodeOf(result);
}

async function openLink(
  engine: EngineTransport,
  id: string,
  linkOptions: ContainerLinkOptions,
  { isResumed, tty }: AttachedRunOptions,
): Promise<{ readonly link: ContainerLink; readonly stream: RawStream; readonly isStarted: boolean }> {
  if (isResumed) return { ...ContainerLink.resume(engine, id, linkOptions), isStarted: true };
  // A terminal's raw stream can't report an exit code.
  if (tty) return { ...await ContainerLink.open(engine, id, linkOptions), isStarted: false };
  const requestedMs = Date.now();
  try {
    return await ContainerLink.openAndStart(engine, id, linkOptions);
  } catch (thrown) {
    if (!isConnectionLost(thrown)) throw thrown;
  }
  if (await hasStarted(engine, id, requestedMs)) {
    return { ...ContainerLink.resume(engine, id, linkOptions), isStarted: true };
  }
  return await ContainerLink.openAndStart(engine, id, linkOptions);
}

const REMOVAL_LIMIT_MS = 5000;

async function startOrCleanUp({ engine }: CommandContext, id: string, exit: PendingExit, autoRemove: boolean) {
  try {
    await startOnce(engine, id);
  } catch (thrown) {
    if (autoRemove) await removed(exit);
    else await exit.cancel();
    throw thrown;
  }
}

/** Starts a container. Its output may arrive before the answer: if the engine exits in between, the next one knows. */
async function startOnce(engine: EngineTransport, id: string): Promise<void> {
  const requestedMs = Date.now();
  try {
    await startContainer(engine, id);
  } catch (thrown) {
    if (!isConnectionLost(thrown)) throw thrown;
    if (!await hasStarted(engine, id, requestedMs)) await startContainer(engine, id);
  }
}

/** Waits until a container that failed to start is removed, so that its name is free when this process exits. */
async function removed(exit: PendingExit): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, REMOVAL_LIMIT_MS);
  await Promise.race([exit.result().then(() => undefined, () => undefined), limit.promise]);
  clearTimeout(timer);
}

/** Returns the exit code of a container. @throws {TsdError} runtime_failed (waiting for the container failed) */
export function exitCodeOf({ StatusCode, Error: failure }: ContainerWaitResponse): number {
  if (failure?.Message) throw new TsdError("runtime_failed", failure.Message);
  return StatusCode;
}
