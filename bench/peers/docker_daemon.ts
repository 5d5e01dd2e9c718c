/**
 * A dockerd of our own with the containerd it starts, both in a private folder. It keeps its hands off the network (no
 * bridge, no packet filter, no forwarding), unless it is in a network namespace where it may do what it likes.
 */
import { join } from "node:path";
import { capture, CommandFailed } from "../../scripts/project.ts";
import { type Command, PeerMissing } from "./peer.ts";
import { privateDir, removeNewCgroups, removeNewDirs } from "./host_traces.ts";
import { programPath, type Programs, programsOf, searchPath } from "./programs.ts";

export interface DockerDaemon extends AsyncDisposable {
  /** Everything of it is in here. */
  readonly dir: string;
  readonly socketPath: string;
  /** Client and daemon with their versions. */
  readonly description: string;
  /** A docker CLI and its whole environment: the first one on PATH, with nobody's configuration. */
  readonly client: Command;
  /** What Debian's package has, or is installed: `docker` too. */
  readonly programs: Programs;
}

export interface DockerDaemonOptions {
  /** The contents of its daemon.json. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** With its bridge, packet filter and forwarding. */
  readonly networking?: boolean;
  /** Path of a network namespace to be in. */
  readonly namespace?: string;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const FIXED_DIRS = ["/run/docker", "/run/containerd", "/run/runc", "/opt/containerd"];
const OFF = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"];

/** Starts dockerd and waits until it answers; its containers go with it. @throws ContenderMissing */
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
  const places = ["--config-file", at("daemon.json"), "--data-root", at("data"), "--exec-root", at("exec")];
  const own = ["--pidfile", at("dockerd.pid"), "--host", `unix://${at("docker.sock")}`, "--group", "root"];
  const inside = namespace === undefined ? [] : ["nsenter", `--net=${namespace}`, "--"];
  const daemon = [...inside, "dockerd", ...places, ...own, ...networking ? [] : OFF];
  return new Deno.Command("/bin/sh", {
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", at("log"), ...daemon],
    env: { ...env, HOME: dir },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Waits for the first answer: the versions. @throws ContenderMissing with the last line of the daemon's log */
async function ready(client: Command, daemon: Deno.ChildProcess, log: string): Promise<string> {
  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
  const ended = daemon.status.then(() => true);
  while (!deadline.aborted) {
    try {
      return await ask(client, "version", "--format", "docker CLI {{.Client.Version}}, dockerd {{.Server.Version}}");
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
    }
    if (await Promise.race([ended, pause(100)])) break;
  }
  const lines = (await Deno.readTextFile(log)).trim().split("\n");
  throw new PeerMissing(`dockerd does not start here: ${lines.at(-1)}`);
}

async function removeContainers(client: Command): Promise<void> {
  const ids = (await ask(client, "ps", "--all", "--quiet")).split("\n").filter((id) => id !== "");
  if (ids.length > 0) await ask(client, "rm", "--force", ...ids);
}

async function ask({ program, env }: Command, ...args: string[]): Promise<string> {
  return (await capture(program, args, { env, timeoutMs: STOP_TIMEOUT_MS })).text.trim();
}

/** Its end is also that of its containerd. */
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
    if (!(error instanceof TypeError)) throw error; // It has ended already.
  }
}

const pause = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms));
