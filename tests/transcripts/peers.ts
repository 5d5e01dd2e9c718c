/** Peers that can play a scenario: a client and an engine. */
import { join } from "node:path";
import type { DockerDaemon } from "../../bench/peers/docker_daemon.ts";
import { programPath } from "../../bench/peers/programs.ts";
import { type Engine, runCommand, type RunOptions, type RunResult, startEngine } from "../harness/mod.ts";
import type { Stage } from "./stage.ts";

export interface Peer {
  readonly client: "docker" | "tsd";
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** Returns the daemon.json that makes the stage's registry the source of images. */
export function configurationFor({ registry }: Stage): Readonly<Record<string, unknown>> {
  return { "registry-mirrors": [registry.url] };
}

/** Starts tsd's engine with the stage's registry. */
export async function engineFor(stage: Stage): Promise<Engine> {
  const path = join(stage.dir, "config.json");
  await Deno.writeTextFile(path, JSON.stringify(configurationFor(stage)));
  return await startEngine({ args: ["--config", path] });
}

export function peerOn(engine: Engine, client: Peer["client"]): Peer {
  return {
    client,
    run: (args, options) => client === "docker" ? engine.docker(args, options) : engine.tsd(args, options),
  };
}

/** Returns a peer of a docker CLI and dockerd. @param program the client; default: the daemon's */
export function dockerPeer({ client }: DockerDaemon, program: string = client.program): Peer {
  return {
    client: "docker",
    run: (args, options = {}) => runCommand(program, args, { ...options, env: { ...client.env, ...options.env } }),
  };
}

/** Returns the docker CLI of the daemon's package, which may be older than that on PATH. */
export function packagedClient({ programs }: DockerDaemon): string {
  return programPath("docker", programs.root === undefined ? programs.env.PATH : join(programs.root, "usr/bin"));
}

/** Returns the major version of a docker CLI, such as "28"; by default of the first one on PATH. */
export async function clientVersion(program = "docker"): Promise<string> {
  const { stdout } = await runCommand(program, ["--version"]);
  const major = /^Docker version (\d+)\./.exec(stdout)?.[1];
  if (major === undefined) throw new Error(`${program} --version says ${JSON.stringify(stdout)}`);
  return major;
}
