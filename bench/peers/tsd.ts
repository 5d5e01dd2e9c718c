/** The peer "tsd": the built executable as client, and as a running engine with a private data root. */
import { join } from "node:path";
import { capture } from "../../scripts/project.ts";
import { type Engine, type EngineOptions, executable, startEngine, tracesOf } from "../../tests/harness/mod.ts";
import type { Peer, Verb } from "./peer.ts";

export interface Tsd extends Peer {
  readonly engine: Engine;
  readonly selfProcess: NonNullable<Peer["selfProcess"]>;
}

const FLAGS: Partial<Record<Verb, readonly string[]>> = { pull: ["--quiet"], rm: ["--force"] };

/** Starts the engine; disposal stops it. @throws Error if it doesn't start, or leaves something behind at its end */
export async function startTsd(options: EngineOptions = {}): Promise<Tsd> {
  const program = executable();
  const engine = await startEngine(options);
  const env = { PATH: Deno.env.get("PATH") ?? "", HOME: join(engine.dir, "home"), TSD_HOST: engine.host };
  const { runDir } = tracesOf(engine.dataRoot);
  const { text } = await capture(program, ["version"], { env });
  const form = /Form: +(\S+)/.exec(text)?.[1] ?? "unknown form";
  const version = /Version: +(\S+)/.exec(text)?.[1] ?? "of unknown version";
  return {
    name: "tsd",
    description: `tsd ${version} (${form})`,
    engine,
    socketPath: engine.socketPath,
    // An fd holder is a `sleep` with its owner in its environment (src/runtime/fd_holder.ts).
    owns: ({ pid, environment }) => pid === engine.pid || environment.includes(`TSD_KEEPER=${runDir}/`),
    command: (verb, ...args) => ({ program, env, args: [verb, ...FLAGS[verb] ?? [], ...args] }),
    // The shell client leaves commands with global flags to a client process.
    selfProcess: (verb, ...args) => ({
      ...{ program, env },
      args: ["-H", engine.host, verb, ...FLAGS[verb] ?? [], ...args],
    }),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}
