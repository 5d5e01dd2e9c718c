/**
 * @module
 * The body of `POST /containers/{id}/update`: limits, the restart policy, and published ports, which Docker cannot
 * change. What cannot be changed after creation is refused with a reason, unless it is empty.
 */
import type { ContainerUpdateRequest, PortMap, Resources, RestartPolicy } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { isObject, type Shape } from "../../json/decode.ts";
import { type PortUpdate, portUpdate } from "../../network/port_changes.ts";
import { decodeRequest, isEmpty, wrongType } from "./request_schemas.ts";
import { PORT_MAP, RESOURCES_SHAPE, RESTART_POLICY_SHAPE } from "./container_schemas.ts";
import { parseRestartPolicy } from "./restart_policy.ts";

/** The limits that can be changed. An empty value leaves a limit as it is. */
export type ChangedLimits = Pick<Resources, typeof CHANGEABLE[number]>;

const CHANGEABLE = [
  ...["Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares", "CpuPeriod", "CpuQuota"] as const,
  ...["CpusetCpus", "CpusetMems", "PidsLimit", "BlkioWeight"] as const,
] as const;

/** The flags by which the other limits are set at creation. */
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

/** A validated request. */
export interface UpdateRequest {
  readonly limits: ChangedLimits;
  readonly restartPolicy: RestartPolicy | undefined;
  readonly ports?: PortUpdate | undefined;
}

/** The fields of the body besides the limits. */
const PARTS_SHAPE: Shape<Omit<ContainerUpdateRequest, keyof Resources>> = {
  RestartPolicy: { object: RESTART_POLICY_SHAPE },
  PublishAdd: PORT_MAP,
  PublishRemove: { each: { HostIp: "text", HostPort: "text", ContainerPort: "text", Protocol: "text" } },
};

/** Parses the body of an update request. @throws {TsdError} invalid_argument, not_implemented */
export function parseUpdateRequest(body: unknown): UpdateRequest {
  if (!isObject(body)) throw wrongType("The body", "an object");
  const resources = decodeRequest(body, RESOURCES_SHAPE, { path: "Resources" });
  const { RestartPolicy: policy, PublishAdd: add, PublishRemove: remove } = decodeRequest(body, PARTS_SHAPE);
  for (const [field, flag] of Object.entries(FIXED)) {
    const value = resources[field as keyof Resources];
    if (isEmpty(value) || (field === "MemorySwappiness" && value === -1)) continue;
    throw new TsdError("not_implemented", `Cannot update the container: ${flag} can't be changed after its creation`);
  }
  const restartPolicy = policy as RestartPolicy | undefined;
  parseRestartPolicy({ RestartPolicy: restartPolicy });
  const given = CHANGEABLE.filter((field) => !isEmpty(resources[field]));
  const limits: ChangedLimits = Object.fromEntries(given.map((field) => [field, resources[field]]));
  const ports = portUpdate(add as PortMap | undefined, remove);
  const { PidsLimit: pidsLimit } = resources;
  return {
    // For the number of processes 0 is a value: no limit.
    limits: pidsLimit === undefined ? limits : { ...limits, PidsLimit: Math.max(pidsLimit, 0) },
    restartPolicy: restartPolicy?.Name ? restartPolicy : undefined,
    ...ports && { ports },
  };
}
