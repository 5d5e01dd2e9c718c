/**
 * Starts a private dockerd, with its containerd, in a temporary directory. It doesn't change the host's network (no
 * bridge, packet filter or forwarding), unless `networking` allows it in a separate network namespace.
 */
import { join } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { type Command, PeerMissing } from "./peer.ts";
import { privateDir, removeNewCgroups, removeNewDirs } from "./host_traces.ts";
import { programPath, type Programs, programsOf, searchPath } from "./programs.ts";

export interface DockerDaemon extends AsyncDisposable {
  /** Holds its data, sockets and log. */
  readonly dir: string;
  readonly socketPath: string;
  /** Client and daemon with their versions. */
  readonly description: string;
  /** The docker CLI that is first on PATH, and its whole environment, with an empty configuration. */
  readonly client: Command;
  /** The programs on PATH, or those of Debian's package, which includes `docker`. */
  readonly programs: Programs;
}

export interface DockerDaemonOptions {
  /** Contents of its daemon.json. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** Whether it sets up its bridge, packet filter and forwarding. */
  readonly networking?: boolean;
  /** Path of the network namespace to run it in. */
  readonly namespace?: string;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const FIXED_DIRS = ["/run/docker", "/run/containerd", "/run/runc", "/opt/containerd"];
const OFF = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"];

/** Starts dockerd and waits until it answers; disposal removes its containers. @throws PeerMissing */
export async function startDockerDaemon(options: DockerDaemonOptions = {}): Promise<DockerDaemon> {
  const programs = await programsOf("docker.io", ["dockerd", "containerd", "containerd-shim-runc-v2"]);
  await using undo = new AsyncDisposableStack();
  removeNewDirs(FIXED_DIRS, undo);
  await removeNewCgroups("docker", undo);
  const dir = await privateDir("docker", undo);
  const client = docker(dir, programs);
  const daemon = startDaemon(dir, programs, options);
  undo.defer(() => stop(daemon));
  const description = await ready(client, daemon, join(dir, "log"));
  undo.defer(() => removeContainers(client));
  const owned = undo.move();
  const socketPath = join(dir, "docker.sock");
  return { dir, socketPath, description, client, programs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function docker(dir: string, { env }: Programs): Command {
  return {
    program: programPath("docker", `${searchPath()}:${env.PATH}`),
    args: [],
    env: {
      PATH: searchPath(),
      HOME: dir,
      DOCKER_CONFIG: join(dir, "client"),
      DOCKER_HOST: `unix://${dir}/docker.sock`,
    },
  };
}

function startDaemon(
  dir: string,
  { env }: Programs,
  { configuration = {}, networking = false, namespace }: DockerDaemonOptions,
): Deno.ChildProcess {
  const at = (name: string) => join(dir, name);
  Deno.writeTextFileSync(at("daemon.json"), JSON.stringify(configuration)); // else it would read /etc/docker/daemon.json
  const paths = [
    ...["--config-file", at("daemon.json"), "--data-root", at("data"), "--exec-root", at("exec")],
    ...["--pidfile", at("dockerd.pid"), "--host", `unix://${at("docker.sock")}`, "--group", "root"],
  ];
  const inside = namespace === undefined ? [] : ["nsenter", `--net=${namespace}`, "--"];
  const daemon = [...inside, "dockerd", ...paths, ...networking ? [] : OFF];
  return new Deno.Command("/bin/sh", {
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", at("log"), ...daemon],
    env: { ...env, HOME: dir },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Waits until dockerd answers; returns the versions. @throws PeerMissing with the last line of the daemon's log */
async function ready(client: Command, daemon: Deno.ChildProcess, log: string): Promise<string> {
  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
  const ended = daemon.status.then(() => true);
  while (!deadline.aborted) {
    try {
      return await dockerCli(
        client,
        "version",
        "--format",
        "docker CLI {{.Client.Version}}, dockerd {{.Server.Version}}",
      );
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
    }
    if (await Promise.race([ended, pause(100)])) break;
  }
  const lines = (await Deno.readTextFile(log)).trim().split("\n");
  throw new PeerMissing(`dockerd does not start here: ${lines.at(-1)}`);
}

async function removeContainers(client: Command): Promise<void> {
  const ids = (await dockerCli(client, "ps", "--all", "--quiet")).split("\n").filter((id) => id !== "");
  if (ids.length > 0) await dockerCli(client, "rm", "--force", ...ids);
}

async function dockerCli({ program, env }: Command, ...args: string[]): Promise<string> {
  return (await capture(program, args, { env, timeoutMs: STOP_TIMEOUT_MS })).text.trim();
}

/** Stops dockerd, which stops its containerd. */
async function stop(daemon: Deno.ChildProcess): Promise<void> {
  signal(daemon, "SIGTERM");
  const timer = setTimeout(() => signal(daemon, "SIGKILL"), STOP_TIMEOUT_MS);
  await daemon.status;
  clearTimeout(timer);
}

function signal(daemon: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    daemon.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // a TypeError: the process has ended already
  }
}

const pause = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms));
