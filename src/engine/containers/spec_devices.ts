/**
 * @module
 * The devices of the host that a container gets, and those on which it is limited, as they are when it starts.
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

/** A privileged container may use all devices in any way, whatever was said of single ones. */
const ALL_ACCESS = "rwm";

/** @throws {TsdError} invalid_argument, with Docker's texts */
export async function specDevices(host: HostConfig): Promise<Pick<SpecInput, "devices" | "blockDevices">> {
  const [devices, limited] = await Promise.all([nodes(host), blockDevices(limitedDevices(resources(host)))]);
  return { devices, blockDevices: limited };
}

async function nodes({ Privileged: privileged, Devices: given }: HostConfig): Promise<ContainerDevice[]> {
  const found = privileged ? await hostDevices() : [];
  for (const { PathOnHost: path, PathInContainer: target, CgroupPermissions: access } of given ?? []) {
    // All nodes of the host are there already.
    if (privileged && path === target) continue;
    found.push(...await resolveDevice(path, target, privileged ? ALL_ACCESS : access));
  }
  return found;
}
