/** Finds what an exited engine left on the host, and removes it so that a failed test does not affect the next. */
import { createHash } from "node:crypto";
import { cgroupDirs, descriptorsOf, mountTable, processIds, readOrNothing } from "./host_state.ts";

/** The paths and the ID of an engine of a test. */
export interface EngineTraces {
  readonly dataRoot: string;
  /** Part of the names of its cgroups, bridges and run directory: 6 hex digits of the data root's SHA-256. */
  readonly engineId: string;
  readonly runDir: string;
}

export function tracesOf(dataRoot: string): EngineTraces {
  const engineId = createHash("sha256").update(dataRoot).digest("hex").slice(0, 6);
  return { dataRoot, engineId, runDir: `/run/tsd-${engineId}` };
}

export interface Leftovers {
  readonly mounts: readonly string[];
  readonly processes: readonly { readonly pid: number; readonly command: string }[];
  readonly cgroups: readonly string[];
  readonly interfaces: readonly string[];
  /** nftables tables. */
  readonly tables: readonly string[];
}

export async function findLeftovers(traces: EngineTraces): Promise<Leftovers> {
  const mounts = (await mountTable()).map(({ point }) => point).filter((point) => isBelow(traces, point));
  const cgroups = await cgroupDirs(new RegExp(`^tsd-${traces.engineId}$`));
  const interfaces = (await Array.fromAsync(Deno.readDir("/sys/class/net"))).map(({ name }) => name);
  return {
    mounts,
    processes: await processesOf(traces),
    cgroups,
    interfaces: interfaces.filter((name) => name.startsWith(`tsd${traces.engineId}`)),
    tables: (await ruleTables()).filter((name) => name === `tsd-${traces.engineId}`),
  };
}

/** Returns one line for each leftover. */
export function describeLeftovers(leftovers: Leftovers): string[] {
  return [
    ...leftovers.mounts.map((point) => `mount ${point}`),
    ...leftovers.processes.map(({ pid, command }) => `process ${pid} ${command}`),
    ...leftovers.cgroups.map((dir) => `cgroup ${dir}`),
    ...leftovers.interfaces.map((name) => `interface ${name}`),
    ...leftovers.tables.map((name) => `nftables table ${name}`),
  ];
}

/**
 * Kills, unmounts and removes. @throws Error if a mount stays: removing directories below it could reach the host's
 * files
 */
export async function removeLeftovers(traces: EngineTraces, leftovers: Leftovers): Promise<void> {
  for (const { pid } of leftovers.processes) killIfExists(pid);
  for (const point of leftovers.mounts.toReversed()) await new Deno.Command("umount", { args: ["-l", point] }).output();
  for (const dir of leftovers.cgroups) await removeCgroup(dir);
  for (const name of leftovers.interfaces) await new Deno.Command("ip", { args: ["link", "del", name] }).output();
  for (const name of leftovers.tables) {
    await new Deno.Command("nft", { args: ["delete", "table", "inet", name] }).output();
  }
  const stuck = (await mountTable()).filter(({ point }) => isBelow(traces, point));
  if (stuck.length > 0) throw new Error(`Still mounted: ${stuck.map(({ point }) => point).join(", ")}`);
}

/** Returns the names of the nftables tables; none without an nft program, which alone creates them. */
async function ruleTables(): Promise<string[]> {
  try {
    const { stdout } = await new Deno.Command("nft", { args: ["list", "tables", "inet"] }).output();
    return new TextDecoder().decode(stdout).trim().split("\n").map((line) => line.split(" ").at(-1) ?? "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Returns processes that name one of the directories, have something open in it, or are in a cgroup of the engine. */
async function processesOf(traces: EngineTraces): Promise<{ pid: number; command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  for (const pid of await processIds()) {
    if (pid === Deno.pid) continue;
    const command = (await readOrNothing(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ").trim();
    if (command === "" && await isZombie(pid)) continue; // Its parent has to reap it; host snapshots count zombies.
    if (await belongs(pid, command, traces)) found.push({ pid, command });
  }
  return found;
}

async function belongs(pid: number, command: string, traces: EngineTraces): Promise<boolean> {
  if (command.includes(traces.dataRoot) || command.includes(traces.runDir)) return true;
  const cgroups = await readOrNothing(`/proc/${pid}/cgroup`) ?? "";
  if (cgroups.includes(`/tsd-${traces.engineId}/`)) return true;
  return (await descriptorsOf(pid)).some((target) => isBelow(traces, target));
}

async function isZombie(pid: number): Promise<boolean> {
  return /^.*\) Z /s.test(await readOrNothing(`/proc/${pid}/stat`) ?? "");
}

function isBelow({ dataRoot, runDir }: EngineTraces, path: string): boolean {
  return [dataRoot, runDir].some((dir) => path === dir || path.startsWith(`${dir}/`));
}

function killIfExists(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function removeCgroup(dir: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await Deno.remove(dir);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (attempt === 20) throw error; // Busy until killed processes have exited.
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
