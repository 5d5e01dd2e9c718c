/**
 * @module
 * Values that several factories need and that have no token.
 */
import { containerCgroup, type EnginePaths } from "../engine/paths.ts";
import type { CgroupOf } from "../engine/stats/mod.ts";
import type { FifoCalls } from "../runtime/fifo_io.ts";
import { files, tree } from "../sys/mod.ts";
import type { Engine } from "../engine/mod.ts";

/** Returns the calls by which FIFOs of containers and execs are opened and watched. */
export const ioCalls = (engine: Engine): FifoCalls => ({ files, tree, epoll: engine.runtime.epoll });

/** Returns the cgroup of a container by id. An unknown container has the default parent. */
export const cgroupsOf = (engine: Engine, paths: EnginePaths): CgroupOf => (id) =>
  containerCgroup(paths, engine.containers.table.known(id) ?? { id, record: { hostConfig: {} } });
