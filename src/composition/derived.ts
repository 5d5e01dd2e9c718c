/**
 * @module
 * What several factories need and no token stands for.
 */
import { containerCgroup, type EnginePaths } from "../engine/paths.ts";
import type { CgroupOf } from "../engine/stats/mod.ts";
import type { FifoCalls } from "../runtime/fifo_io.ts";
import { files, tree } from "../sys/mod.ts";
import { type Get, TOKENS } from "./tokens.ts";

/** What FIFOs of containers and execs are opened and watched with. */
export const ioCalls = (get: Get): FifoCalls => ({ files, tree, epoll: get(TOKENS.epoll) });

/** Where containers' cgroups are, by id: one that nobody knows any more had no parent of its own. */
export const cgroupsOf = (get: Get, paths: EnginePaths): CgroupOf => (id) =>
  containerCgroup(paths, get(TOKENS.table).known(id) ?? { id, record: { hostConfig: {} } });
