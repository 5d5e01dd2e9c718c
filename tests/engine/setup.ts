/**
 * Shared by the tests of the whole engine: an engine with an image, waiting for a state, and the resources of an
 * engine.
 */
import {
  type Engine,
  type EngineOptions,
  executable,
  type HostSnapshot,
  snapshotChanges,
  startEngine,
  tracesOf,
  until,
  untilNone,
} from "../harness/mod.ts";
import { busyboxImage } from "../images/mod.ts";
import { type ScriptedRegistry, startScriptedRegistry } from "../registry/mod.ts";

export { until, untilNone } from "../harness/mod.ts";

/** An engine that has pulled the busybox image. */
export interface Setup extends AsyncDisposable {
  readonly engine: Engine;
  readonly registry: ScriptedRegistry;
  /** The image's reference. */
  readonly image: string;
}

/** Starts a registry and an engine, and pulls. The caller disposes of it with `await using`. */
export async function startSetup(options: EngineOptions = {}): Promise<Setup> {
  await using undo = new AsyncDisposableStack();
  const registry = undo.use(startScriptedRegistry());
  const image = registry.add("busybox", "1", await busyboxImage());
  const engine = undo.use(await startEngine(options));
  await pull(engine, image);
  const owned = undo.move();
  return { engine, registry, image, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * Starts a setup whose engine sees what the shell script `setup` mounts; clients run as usual. The caller owns `dir`.
 */
export async function startSetupWith(dir: string, setup: string): Promise<Setup> {
  const script = `#!/bin/sh
case $1 in daemon) ;; *) exec ${executable()} "$@" ;; esac
exec unshare --mount --propagation private sh -ec '${setup}; exec "$@"' sh ${executable()} "$@"
`;
  await Deno.writeTextFile(`${dir}/tsd`, script, { mode: 0o755 });
  return await startSetup({ exe: `${dir}/tsd` });
}

/** Pulls an image. @throws Error with the client's message */
export async function pull(engine: Engine, image: string): Promise<void> {
  const { code, stderr } = await engine.tsd(["pull", "-q", image]);
  if (code !== 0) throw new Error(`pull ${image}: ${stderr}`);
}

/** Runs `tsd run -d --network none` and returns the ID. */
export async function runDetached(
  { engine, image }: Pick<Setup, "engine" | "image">,
  script: string,
  flags: readonly string[] = [],
): Promise<string> {
  const { code, stdout, stderr } = await engine.tsd([
    "run",
    "-d",
    "--network",
    "none",
    ...flags,
    image,
    "sh",
    "-c",
    script,
  ]);
  if (code !== 0) throw new Error(`run -d: ${stderr}`);
  return stdout.trim();
}

/** A container's state in inspect. */
export interface StateNow {
  readonly Status: string;
  readonly Pid: number;
  readonly ExitCode: number;
  readonly Error: string;
}

/** Returns a container's state. @throws Error if there is no such container */
export async function stateOf(engine: Engine, nameOrId: string): Promise<StateNow> {
  const answer = await engine.api.get(`/containers/${nameOrId}/json`);
  if (answer.status !== 200) throw new Error(`inspect ${nameOrId}: ${answer.status} ${answer.text()}`);
  return answer.json<{ State: StateNow }>().State;
}

/** What an engine holds on the host. */
export interface Holdings {
  readonly host: HostSnapshot;
  /** Files in its run directory. */
  readonly files: readonly string[];
  /** IDs of containers and execs that have an fd holder. */
  readonly fdHolders: readonly string[];
}

/** Finds the resources of this engine only, as others may run at the same time. */
export async function holdingsOf(engine: Engine): Promise<Holdings> {
  const { dataRoot, runDir, engineId } = tracesOf(engine.dataRoot);
  const { mounts, cgroups, process } = await engine.snapshot();
  const isOwn = (mount: string) => mount.startsWith(`${dataRoot}/`) || mount.startsWith(`${runDir}/`);
  return {
    host: {
      mounts: mounts.filter(isOwn),
      cgroups: cgroups.filter((dir) => dir.includes(`/tsd-${engineId}/`)),
      networkNamespaces: [],
      interfaces: [],
      ...(process === undefined ? {} : { process }),
    },
    files: await filesBelow(runDir),
    fdHolders: (await fdHoldersOf(engine)).map(({ id }) => id).sort(),
  };
}

/** Waits until the engine has no more resources than before. @throws Error that lists the surplus */
export async function untilSettled(engine: Engine, before: Holdings, limitMs?: number): Promise<void> {
  await untilNone(async () => {
    const now = await holdingsOf(engine);
    const children = (now.host.process?.children ?? 0) - (before.host.process?.children ?? 0);
    const files = now.files.filter((path) => !before.files.includes(path));
    const kept = before.fdHolders.filter((id) => !id.includes("/exec-") || now.fdHolders.includes(id));
    return [
      // Resources that were just being released at the first snapshot are missing now.
      ...snapshotChanges(before.host, now.host).filter((change) => !change.endsWith(" is gone")),
      ...(children > 0 ? [`process: ${children} more children`] : []),
      ...files.map((path) => `run folder: ${path} is new`),
      ...(now.fdHolders.join() === kept.join() ? [] : [`keepers: ${now.fdHolders}, not ${kept}`]),
    ];
  }, limitMs);
}

/** A process that holds a container's descriptors (fd holder). */
export interface FdHolder {
  readonly pid: number;
  /** The container's ID. */
  readonly id: string;
}

/** Returns the fd holders of an engine's containers, whatever their parent process. */
export async function fdHoldersOf(engine: Engine): Promise<FdHolder[]> {
  const owner = `TSD_KEEPER=${tracesOf(engine.dataRoot).runDir}/containers/`;
  const found: FdHolder[] = [];
  for (const pid of await namesIn("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    // It may exit meanwhile.
    const environment = await Deno.readTextFile(`/proc/${pid}/environ`).catch(() => "");
    if (environment.startsWith(owner)) found.push({ pid: Number(pid), id: environment.slice(owner.length, -1) });
  }
  return found;
}

/** Waits for fd holders: a container gets one at the end of its start. */
export async function untilHeld(engine: Engine, count: number): Promise<FdHolder[]> {
  await until(`${count} keepers`, async () => (await fdHoldersOf(engine)).length === count);
  return await fdHoldersOf(engine);
}

/** Returns the paths of everything below a directory; nothing if it is missing. */
export async function filesBelow(dir: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn(dir)) {
    found.push(`${dir}/${name}`, ...await filesBelow(`${dir}/${name}`));
  }
  return found.sort();
}

/** Returns the names in a directory; nothing if it is missing or not a directory. */
export async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
  } catch (thrown) {
    const isRemoved = thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory;
    if (isRemoved) return [];
    throw thrown;
  }
}

/** Reports whether `path` exists. */
export const exists = (path: string): Promise<boolean> => Deno.lstat(path).then(() => true, () => false);
