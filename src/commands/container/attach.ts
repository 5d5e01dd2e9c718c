import type { ContainerState } from "../../api_types/mod.ts";
import { defineCommand, StatusError, type Terminal } from "../../cli/mod.ts";
import { AttachSession } from "../../client/attach_session.ts";
import type { Container } from "../../client/container.ts";
import { isTsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { DETACH_KEYS_FLAG } from "../opts/detach_keys.ts";
import { followContainerSize, proxySignals } from "./signal_proxy.ts";
import { detachedError, requireTty, StdioSession } from "../stdio_session.ts";

/** `tsd attach`. */
export const attach = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  args: { min: 1, max: 1 },
  flags: {
    ...DETACH_KEYS_FLAG,
    "no-stdin": { type: "bool", help: "Do not attach STDIN" },
    "sig-proxy": { type: "bool", default: true, help: "Proxy all received signals to the process" },
  },
  examples: [{ line: "attach shell", note: "Back to a shell that was left with Ctrl-P Ctrl-Q" }],
  async run({ terminal, engine }: CommandContext, { args: [name], flags }) {
    const { Id: id, Config, State } = await engine.containers.get(name).inspect();
    requireRunning(State);
    const container = engine.containers.get(id);
    const { Tty: tty = false, OpenStdin: openStdin = false } = Config;
    requireTty(terminal, tty && !flags["no-stdin"]);
    const stdin = openStdin && !flags["no-stdin"];
    const detachKeys = flags["detach-keys"];
    const attach = { stdin, stdout: true, stderr: true, ...(detachKeys && { detachKeys }) };
    const session = await AttachSession.attach(container, attach);
    const reconnect = () => session.reconnect();
    using stdio = new StdioSession(terminal, session.stream, { stdin, tty, detachKeys, reconnect });
    using _signals = flags["sig-proxy"] && !tty ? proxySignals(terminal, container) : undefined;
    // If the container exited before it was attached, the session would wait for its next start.
    requireRunning((await container.inspect()).State);
    if (tty) await forceRepaint(terminal, container);
    using _size = tty ? followContainerSize(terminal, container) : undefined;
    const end = await stdio.end();
    if (end === "ended") return await session.exitCode();
    await session.cancel();
    throw detachedError();
  },
});

/** Refuses a container that isn't running. @throws {StatusError} */
function requireRunning({ Running, Paused, Restarting }: ContainerState): void {
  if (!Running) throw new StatusError("You cannot attach to a stopped container, start it first");
  if (Paused) throw new StatusError("You cannot attach to a paused container, unpause it first");
  if (Restarting) throw new StatusError("You cannot attach to a restarting container, wait until it is running");
}

/**
 * Makes a full-screen program repaint, which it does when the terminal's size changes. The size can equal this terminal's
 * already, so it is changed first; otherwise the screen would stay empty.
 */
async function forceRepaint(terminal: Terminal, container: Container): Promise<void> {
  const size = terminal.size();
  if (size === undefined) return;
  await container.resize(size.rows + 1, size.columns + 1).catch((thrown) => {
    // The container may have exited in the meantime.
    if (!isTsdError(thrown, "not_running", "conflict", "container_not_found", "not_found")) throw thrown;
  });
}
