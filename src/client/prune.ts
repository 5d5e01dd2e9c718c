import type { DiskUsage, PruneItem, PrunePlan, PruneReport, PruneRequest } from "../api_types/mod.ts";
import { encodeFilters, type ListFilters } from "./filters.ts";
import { type EngineTransport, readJson } from "./transport.ts";

/** A kind of thing that may be unused. */
export type PruneKind = PruneItem["Kind"];

/** Which unused things are meant. */
export interface PruneChoice {
  readonly kinds: readonly PruneKind[];
  /** Also images that have a name. */
  readonly all?: boolean;
  /** Also volumes that have a name. */
  readonly allVolumes?: boolean;
  readonly filters?: ListFilters;
}

/** What would go; nothing is changed. tsd's own: other engines answer that there is no such page. */
export async function prunePlan(
  engine: EngineTransport,
  { kinds, all = false, allVolumes = false, filters = {} }: PruneChoice,
): Promise<PrunePlan> {
  const names = allVolumes ? { "all-volumes": true } : {};
  const query = { kind: kinds, all, ...names, filters: encodeFilters(filters) };
  return await readJson(await engine.request({ method: "GET", path: "/tsd/prune", query }));
}

/** Removes items of a plan, unless they are used by now, and nothing else. tsd's own, too. */
export async function prune(
  engine: EngineTransport,
  { kinds }: Pick<PruneChoice, "kinds">,
  Items: PruneRequest["Items"],
): Promise<PruneReport> {
  const body: PruneRequest = { Items };
  return await readJson(await engine.request({ method: "POST", path: "/tsd/prune", query: { kind: kinds }, body }));
}

/** What all things take on the disk; counting takes as long as containers have files. */
export async function diskUsage(engine: EngineTransport): Promise<DiskUsage> {
  return await readJson(await engine.request({ method: "GET", path: "/system/df" }));
}
