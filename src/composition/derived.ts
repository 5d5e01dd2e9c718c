/**
 * @module
 * Values that several factories need and that have no token.
 */
import { containerCgroup, type EnginePaths } from "../engine/paths.ts";
import type { CgroupOf } from "../engine/stats/mod.ts";
import type { FifoCalls } from "../runtime/fifo_io.ts";
import { files, tree } from "../sys/mod.ts";
import { type Get, TOKENS } from "./tokens.ts";

/** Returns the calls by which FIFOs of containers and execs are opened and watched. */
export const ioCalls = (get: Get): FifoCalls => ({ files, tree, epoll: get(TOKENS.epoll) });

/** Returns the cgroup of a container by id. An unknown container has the default parent. */
export const cgroupsOf = (get: Get, paths: EnginePaths): CgroupOf => (id) =>
  containerCgroup(paths, get(TOKENS.table).known(id) ?? { id, record: { hostConfig: {} } });
