/**
 * @module
 * The body of `POST /containers/{id}/update`: limits, the restart policy, and published ports, which Docker can't change.
 * What can't be changed while a container is there
 * is refused with a reason, unless it has its empty value.
 */
import type { ContainerUpdateRequest, Resources, RestartPolicy } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { type PortUpdate, portUpdate } from "../../network/port_changes.ts";
import { checkShape, isEmpty, isObject, type Shape, withoutNulls, wrongType } from "../request_shapes.ts";
import { RESOURCES_SHAPE } from "./container_shapes.ts";
import { parseRestartPolicy } from "./restart_policy.ts";

/** The limits that can be changed: with a value that isn't empty, which leaves them as they are. */
export type ChangedLimits = Pick<Resources, typeof CHANGEABLE[number]>;

const CHANGEABLE = [
  ...["Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares", "CpuPeriod", "CpuQuota"] as const,
  ...["CpusetCpus", "CpusetMems", "PidsLimit", "BlkioWeight"] as const,
] as const;

/** How they are asked for when a container is created. */
const FIXED: { readonly [K in keyof Resources]?: string } = {
  BlkioDeviceReadBps: "--device-read-bps",
  BlkioDeviceReadIOps: "--device-read-iops",
  BlkioDeviceWriteBps: "--device-write-bps",
  BlkioDeviceWriteIOps: "--device-write-iops",
  BlkioWeightDevice: "--blkio-weight-device",
  CgroupParent: "--cgroup-parent",
  CpuCount: "--cpu-count",
  CpuPercent: "--cpu-percent",
  CpuRealtimePeriod: "--cpu-rt-period",
  CpuRealtimeRuntime: "--cpu-rt-runtime",
  DeviceCgroupRules: "--device-cgroup-rule",
  DeviceRequests: "--gpus",
  Devices: "--device",
  IOMaximumBandwidth: "--io-maxbandwidth",
  IOMaximumIOps: "--io-maxiops",
  KernelMemory: "--kernel-memory",
  KernelMemoryTCP: "a limit on the kernel's TCP memory",
  MemorySwappiness: "--memory-swappiness",
  OomKillDisable: "--oom-kill-disable",
  Ulimits: "--ulimit",
};

/** A checked request. */
export interface UpdateRequest {
  readonly limits: ChangedLimits;
  readonly restartPolicy: RestartPolicy | undefined;
  readonly ports?: PortUpdate | undefined;
}

const PORTS_SHAPE = {
  PublishAdd: "portMap",
  PublishRemove: { each: { HostIp: "text", HostPort: "text", ContainerPort: "text", Protocol: "text" } },
} as const satisfies Shape<ContainerUpdateRequest>;

/** @throws {TsdError} invalid_argument, not_implemented */
export function parseUpdateRequest(body: unknown): UpdateRequest {
  if (!isObject(body)) throw wrongType("The body", "an object");
  checkShape(body, RESOURCES_SHAPE, "Resources");
  checkShape(body, PORTS_SHAPE, "");
  for (const [field, flag] of Object.entries(FIXED)) {
    if (isEmpty(body[field]) || (field === "MemorySwappiness" && body[field] === -1)) continue;
    throw new TsdError("not_implemented", `Cannot update the container: ${flag} can't be changed after its creation`);
  }
  const { RestartPolicy: policy, PidsLimit: pidsLimit, PublishAdd: add, PublishRemove: remove } =
    body as ContainerUpdateRequest;
  if (policy !== undefined && policy !== null && !isObject(policy)) throw wrongType("RestartPolicy", "an object");
  parseRestartPolicy({ RestartPolicy: policy });
  const given = CHANGEABLE.filter((field) => !isEmpty(body[field]));
  const limits = Object.fromEntries(given.map((field) => [field, body[field]])) as ChangedLimits;
  const ports = portUpdate(add, withoutNulls(remove));
  return {
    // Of processes 0 is a value: no limit.
    limits: pidsLimit === undefined || pidsLimit === null ? limits : { ...limits, PidsLimit: Math.max(pidsLimit, 0) },
    restartPolicy: policy?.Name ? policy as RestartPolicy : undefined,
    ...ports && { ports },
  };
}
