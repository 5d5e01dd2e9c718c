/** The peer "docker": a private dockerd, and the docker CLI that is first on PATH. */
import type { Peer, Verb } from "./peer.ts";
import { type DockerDaemonOptions, startDockerDaemon } from "./docker_daemon.ts";

const FLAGS: Partial<Record<Verb, readonly string[]>> = { pull: ["--quiet"], rm: ["--force"] };

/** Starts dockerd and waits until it answers. @throws PeerMissing */
export async function startDocker(options: DockerDaemonOptions = {}): Promise<Peer> {
  const { dir, socketPath, description, client, [Symbol.asyncDispose]: dispose } = await startDockerDaemon(options);
  return {
    name: "docker",
    description,
    socketPath,
    // containerd and its shims have a path in this directory among their arguments.
    owns: ({ command }) => command.includes(`${dir}/`),
    command: (verb, ...args) => ({ ...client, args: [verb, ...FLAGS[verb] ?? [], ...args] }),
    [Symbol.asyncDispose]: dispose,
  };
}
