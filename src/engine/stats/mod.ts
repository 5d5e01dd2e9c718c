/**
 * @module
 * Resource usage of containers: cgroup readers for both versions, and samples in the format of the Engine API.
 */
import type { HostInfo } from "../../runtime/spec/mod.ts";
import type { CgroupOf, ContainerCgroups } from "./cgroup.ts";
import type { CgroupNotices } from "./cgroup_notices.ts";
import { CGROUP_FILES } from "./cgroup_files.ts";
import { CgroupsV1 } from "./cgroup_v1.ts";
import { CgroupsV2 } from "./cgroup_v2.ts";

export type { CgroupOf, CgroupUsage, ContainerCgroups } from "./cgroup.ts";
export { KernelNotices } from "./cgroup_notices.ts";
export { StatsService } from "./stats_service.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

/** Creates the reader for the host's cgroup version. */
export function containerCgroups(
  { cgroupVersion }: Pick<HostInfo, "cgroupVersion">,
  cgroupOf: CgroupOf,
  notices: CgroupNotices,
): ContainerCgroups {
  const Version = cgroupVersion === 2 ? CgroupsV2 : CgroupsV1;
  return new Version(CGROUP_ROOT, cgroupOf, CGROUP_FILES, notices);
}
