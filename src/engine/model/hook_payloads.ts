/** @module The payloads of hooks: containers as plugins see them, in plain JSON. */
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import type { ContainerContext, HookContexts, NewContainerContext, StartedContext } from "../../plugins/mod.ts";
import type { EndpointState } from "./network.ts";
import type { Container } from "./container.ts";
import { type RequestedMount, requestedMounts } from "./mounts.ts";

/** A container before it is recorded. */
export interface NewContainer {
  readonly id: string;
  /** Empty if it gets a generated name later. */
  readonly name: string;
  /** The image reference, verbatim. */
  readonly image: string;
  readonly imageId: string;
  /** The configuration with the image's merged in. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
}

export const containerContext = ({ id, name, record }: Container): ContainerContext => ({
  ...{ id, name, image: record.imageName, imageId: record.imageId, labels: record.config.Labels ?? {} },
});

export const startedContext = (container: Container, pid: number, replayed = false): StartedContext => ({
  ...containerContext(container),
  ...{ pid, replayed },
});

export function newContainerContext({ config, hostConfig, ...known }: NewContainer): NewContainerContext {
  return {
    ...known,
    labels: config.Labels ?? {},
    args: [...config.Entrypoint ?? [], ...config.Cmd ?? []],
    env: Object.fromEntries((config.Env ?? []).map(nameAndValue)),
    mounts: requestedMounts(hostConfig).map(mountContext),
    annotations: hostConfig.Annotations ?? {},
    user: config.User ?? "",
    privileged: hostConfig.Privileged ?? false,
    networkMode: hostConfig.NetworkMode || "bridge",
  };
}

/** Returns the payload for a container whose network namespace exists and whose task does not. */
export function connectedContext(
  container: Container,
  netns: string,
  { endpoints }: EndpointState,
): HookContexts["network.ready"] {
  const networks = endpoints.flatMap(({ network, lease }) => {
    if (lease === undefined) return [];
    const { link, address, prefix, gateway, mac } = lease;
    return [{ name: network.name, interface: link, address, prefix, gateway, mac }];
  });
  return { ...containerContext(container), netns, networks };
}

function mountContext({ mount, volume }: RequestedMount): NewContainerContext["mounts"][number] {
  const source = volume?.name ?? ("source" in mount ? mount.source : "");
  return {
    ...{ type: mount.kind, target: mount.target, readOnly: mount.kind !== "tmpfs" && mount.readOnly },
    ...source !== "" && { source },
  };
}

function nameAndValue(variable: string): [string, string] {
  const equals = variable.indexOf("=");
  return equals < 0 ? [variable, ""] : [variable.slice(0, equals), variable.slice(equals + 1)];
}
