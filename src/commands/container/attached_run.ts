import type { ContainerWaitResponse } from "../../api_types/mod.ts";
import { type PendingExit, startContainer } from "../../client/containers.ts";
import type { EngineTransport, RawStream } from "../../client/transport.ts";
import { TsdError } from "../../errors.ts";
import { ContainerLink, type ContainerLinkOptions } from "./attach_session.ts";
import type { CommandContext } from "../context.ts";
import type { Attachment } from "./create_request.ts";
import { followContainerSize, proxySignals } from "./signal_proxy.ts";
import { StdioSession } from "../stdio_session.ts";

export interface AttachedRunOptions {
  readonly attach: Attachment;
  /** Keys that leave the container running; the engine's default if not given. */
  readonly detachKeys?: string | undefined;
  readonly tty: boolean;
  /** The container goes away when it ends; wait for that. */
  readonly autoRemove: boolean;
  readonly proxySignals: boolean;
  /** Another process has started it, and its streams were attached. */
  readonly isResumed?: boolean;
}

/**
 * Starts a container with our standard streams attached and resolves to its exit code (0 when the user left it running).
 * Attaching and waiting begin before the start, so that neither output nor exit can be missed.
 */
export async function runAttached(context: CommandContext, id: string, options: AttachedRunOptions): Promise<number> {
  const { engine, terminal, clock } = context;
  const { attach: { stdin }, tty, detachKeys } = options;
  const linked = {
    attach: { ...options.attach, ...(detachKeys && { detachKeys }) },
    first: options.autoRemove ? "removed" : "next-exit",
    later: options.autoRemove ? "removed" : "not-running",
  } as const;
  using _signals = options.proxySignals && !tty ? proxySignals(terminal, engine, id) : undefined;
  const { link, stream, isStarted } = await linkTo(engine, id, linked, options);
  if (!isStarted) clock?.lap("attach and wait");
  const { autoRemove, proxySignals: sigProxy } = options;
  terminal.host?.resumeAs(["__resume", "run", `--rm=${autoRemove}`, `--sig-proxy=${sigProxy}`, id]);
  using session = new StdioSession(terminal, stream, { stdin, tty, detachKeys, again: () => link.again() });
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

async function linkTo(
  engine: EngineTransport,
  id: string,
  linked: ContainerLinkOptions,
  { isResumed, tty }: AttachedRunOptions,
): Promise<{ readonly link: ContainerLink; readonly stream: RawStream; readonly isStarted: boolean }> {
  if (isResumed) return { ...ContainerLink.resume(engine, id, linked), isStarted: true };
  // A terminal's stream can't tell an exit code.
  if (tty) return { ...await ContainerLink.open(engine, id, linked), isStarted: false };
  return await ContainerLink.openAndStart(engine, id, linked);
}

const REMOVAL_LIMIT_MS = 5000;

async function startOrCleanUp({ engine }: CommandContext, id: string, exit: PendingExit, autoRemove: boolean) {
  try {
    await startContainer(engine, id);
  } catch (thrown) {
    if (autoRemove) await removed(exit);
    else await exit.cancel();
    throw thrown;
  }
}

/** Waits until a container that failed to start is gone, so that its name is free when we end. */
async function removed(exit: PendingExit): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, REMOVAL_LIMIT_MS);
  await Promise.race([exit.result().then(() => undefined, () => undefined), limit.promise]);
  clearTimeout(timer);
}

/** @throws {TsdError} runtime_failed (the container could not be seen to its end) */
export function exitCodeOf({ StatusCode, Error: failure }: ContainerWaitResponse): number {
  if (failure?.Message) throw new TsdError("runtime_failed", failure.Message);
  return StatusCode;
}
