import { AttachSession } from "../../client/attach_session.ts";
import type { CommandContext } from "../context.ts";
import type { Attachment } from "./create_request.ts";
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

/** Starts a container with the local standard streams attached and resolves to its exit code (0 if the user detached). */
export async function runAttached(
  { engine, terminal, clock }: CommandContext,
  id: string,
  { attach, detachKeys, tty, autoRemove, proxySignals: sigProxy, isResumed }: AttachedRunOptions,
): Promise<number> {
  const container = engine.containers.get(id);
  using _signals = sigProxy && !tty ? proxySignals(terminal, container) : undefined;
  const options = { attach: { ...attach, ...(detachKeys && { detachKeys }) }, tty, autoRemove };
  const session = isResumed
    ? AttachSession.resume(container, options)
    : await AttachSession.attachToStart(container, options);
  if (!session.isStarted) clock?.lap("attach and wait");
  terminal.host?.resumeAs(["__resume", "run", `--rm=${autoRemove}`, `--sig-proxy=${sigProxy}`, id]);
  const reconnect = () => session.reconnect();
  using stdio = new StdioSession(terminal, session.stream, { stdin: attach.stdin, tty, detachKeys, reconnect });
  await session.start();
  clock?.lap("start");
  using _size = tty ? followContainerSize(terminal, container) : undefined;
  const end = await stdio.end();
  clock?.lap("end of the process");
  if (end === "detached") {
    await session.cancel();
    return 0;
  }
  if (stdio.exitCode !== undefined) return stdio.exitCode;
  const exitCode = await session.exitCode();
  clock?.lap(autoRemove ? "removal" : "exit code");
  return exitCode;
}
