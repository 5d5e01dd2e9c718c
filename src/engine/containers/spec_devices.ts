/**
 * @module
 * The devices of the host that a container gets, and those that its I/O limits apply to, as they are when it starts.
 */
import type { HostConfig } from "../../api_types/mod.ts";
import {
  blockDevices,
  type ContainerDevice,
  hostDevices,
  limitedDevices,
  resolveDevice,
  type SpecInput,
} from "../../runtime/spec/mod.ts";
import { resources } from "./container_spec.ts";

/** A privileged container may use all devices in every way, whatever is requested for single ones. */
const ALL_ACCESS = "rwm";

/** Returns the devices. @throws {TsdError} invalid_argument, with Docker's texts */
export async function specDevices(host: HostConfig): Promise<Pick<SpecInput, "devices" | "blockDevices">> {
  const [devices, limited] = await Promise.all([nodes(host), blockDevices(limitedDevices(resources(host)))]);
  return { devices, blockDevices: limited };
}

async function nodes({ Privileged: privileged, Devices: given }: HostConfig): Promise<ContainerDevice[]> {
  const found = privileged ? await hostDevices() : [];
  for (const { PathOnHost: path, PathInContainer: target, CgroupPermissions: access } of given ?? []) {
    // A privileged container has all nodes of the host already.
    if (privileged && path === target) continue;
    found.push(...await resolveDevice(path, target, privileged ? ALL_ACCESS : access));
  }
  return found;
}
