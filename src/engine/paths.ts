/**
 * @module
 * Where an engine keeps its things, and its id. The default engine has fixed places; a private one (`--data-root DIR`)
 * derives its run folder and its cgroup from an id of its own, so that several engines never meet.
 */
import type { HostConfig } from "../api_types/mod.ts";
import { sha256Hex } from "../hash/mod.ts";
import { cleanPath } from "../runtime/spec/mod.ts";

export const DEFAULT_DATA_ROOT = "/var/lib/tsd";
export const DEFAULT_RUN_DIR = "/run/tsd";
export const DEFAULT_SOCKET = `${DEFAULT_RUN_DIR}/tsd.sock`;

/** All places of one engine. */
export interface EnginePaths {
  /** Empty for the default engine, else 6 hex digits of the data-root's hash. */
  readonly engineId: string;
  readonly dataRoot: string;
  /** Short-lived things: bundles, FIFOs, runc's state, the lock. */
  readonly runDir: string;
  /** The cgroup below which containers live, without a leading slash. */
  readonly cgroup: string;
}

/** @param dataRoot absolute path, resolved */
export async function enginePaths(dataRoot: string): Promise<EnginePaths> {
  if (dataRoot === DEFAULT_DATA_ROOT) {
    return { engineId: "", dataRoot, runDir: DEFAULT_RUN_DIR, cgroup: "tsd" };
  }
  const engineId = (await sha256Hex(new TextEncoder().encode(dataRoot))).slice(0, 6);
  return { engineId, dataRoot, runDir: `/run/tsd-${engineId}`, cgroup: `tsd-${engineId}` };
}

/** Where an OCI runtime keeps what it knows: a folder for each container. */
export const runtimeRoot = ({ runDir }: EnginePaths, name = "runc"): string =>
  name === "runc" ? `${runDir}/runc` : `${runDir}/runtime-${name}`;

/** A container's cgroup, without a leading slash. A relative parent starts at the root, as that of init does. */
export function containerCgroup(
  { cgroup }: Pick<EnginePaths, "cgroup">,
  { id, record }: { readonly id: string; readonly record: { readonly hostConfig: Pick<HostConfig, "CgroupParent"> } },
): string {
  const parent = record.hostConfig.CgroupParent;
  return (parent ? cleanPath(`${parent}/${id}`) : `/${cgroup}/${id}`).slice(1);
}

/** Places of one volume, and the folder of all of them. */
export const volumePaths = ({ dataRoot }: Pick<EnginePaths, "dataRoot">, name: string) => ({
  all: `${dataRoot}/volumes`,
  dir: `${dataRoot}/volumes/${name}`,
  /** What containers see. */
  data: `${dataRoot}/volumes/${name}/_data`,
});

/** Places of one container. */
export const containerPaths = (paths: EnginePaths, id: string) => ({
  /** Bundle, FIFOs and exec's files; gone when the container stops. */
  bundle: `${paths.runDir}/containers/${id}`,
  /** Log and /etc files; gone with the container. */
  home: `${paths.dataRoot}/containers/${id}`,
  log: `${paths.dataRoot}/containers/${id}/${id}-json.log`,
});
