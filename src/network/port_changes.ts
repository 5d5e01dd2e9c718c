/**
 * @module
 * Changes of a container's published ports: which bindings are removed and added, and which open ports that affects.
 * Removing a port removes the whole binding that it was allocated for. Pure.
 */
import type { HostConfig, PortBinding, PortMap, PublishedPortName } from "../api_types/mod.ts";
import { TsdError } from "../errors.ts";
import {
  portKey,
  portRange,
  type Protocol,
  type PublishedPort,
  type RequestedPort,
  requestedPort,
  requestedPorts,
} from "./port.ts";

/** A validated request. */
export interface PortUpdate {
  readonly add: PortMap;
  readonly remove: readonly PortName[];
}

/** Selects published ports to remove; [0, 0] and an empty string match everything. */
export interface PortName {
  readonly protocol: Protocol;
  readonly hostIp: string;
  readonly hostPorts: readonly [first: number, last: number];
  readonly containerPorts: readonly [first: number, last: number];
}

/** The published ports of a container's record. */
export interface Publishing {
  readonly bindings: HostConfig["PortBindings"];
  readonly publishAll: boolean;
  readonly exposed: readonly string[];
}

/** The result of a change. */
export interface ChangedPublishing extends Publishing {
  readonly removed: readonly PublishedPort[];
  readonly added: readonly RequestedPort[];
}

/** A binding, and the ports allocated for it if the container is running. */
interface Entry {
  readonly requested: RequestedPort;
  readonly binding: PortBinding;
  readonly ports: readonly PublishedPort[];
}

/**
 * Validates a request. Returns undefined if it changes nothing.
 * @throws {TsdError} invalid_argument
 */
export function portUpdate(
  add: PortMap | null | undefined,
  remove: readonly PublishedPortName[] | null | undefined,
): PortUpdate | undefined {
  if (Object.keys(add ?? {}).length === 0 && (remove ?? []).length === 0) return undefined;
  requestedPorts({ bindings: add, exposed: [], publishAll: false });
  return { add: add ?? {}, remove: (remove ?? []).map(portName) };
}

function portName({ HostIp, HostPort = "", ContainerPort = "", Protocol }: PublishedPortName): PortName {
  const hostPorts = portRange(HostPort);
  const containerPorts = portRange(ContainerPort);
  if (hostPorts[1] === 0 && containerPorts[1] === 0) {
    throw new TsdError(
      "invalid_argument",
      "Invalid port to take back: it needs a port of the host or of the container",
    );
  }
  const { protocol, hostIp } = requestedPort(portKey(1, Protocol || "tcp"), { HostIp });
  return { protocol, hostIp, hostPorts, containerPorts };
}

/**
 * Applies an update to a container's bindings.
 * @param published ports of a running container; undefined for one that isn't running
 * @throws {TsdError} invalid_argument if a port to remove is not published
 * @throws {TsdError} port_in_use if a port to add is published already
 */
export function changedPublishing(
  before: Publishing,
  published: readonly PublishedPort[] | undefined,
  { add, remove }: PortUpdate,
): ChangedPublishing {
  const entries = entriesOf(before, published ?? []);
  const vanished = new Set<Entry>();
  for (const name of remove) {
    const hit = entries.filter((entry) => fits(name, entry, published !== undefined));
    if (hit.length === 0) throw new TsdError("invalid_argument", `port ${nameText(name)} is not published`);
    for (const entry of hit) vanished.add(entry);
  }
  const added = requestedPorts({ bindings: add, exposed: [], publishAll: false });
  const remaining = entries.filter((entry) => !vanished.has(entry));
  const duplicate = added.find((port) => remaining.some(({ requested }) => isSame(port, requested)));
  if (duplicate !== undefined) {
    const { hostIp, hostPorts: [first] } = duplicate;
    const shown = hostIp.includes(":") ? `[${hostIp}]` : hostIp || "0.0.0.0";
    throw new TsdError("port_in_use", `Bind for ${shown}:${first} failed: port is already allocated`);
  }
  const bindings: Record<string, PortBinding[]> = {};
  const bind = (port: string, binding: PortBinding) => (bindings[port] ??= []).push(binding);
  for (const { requested, binding } of remaining) bind(portKey(requested.containerPort, requested.protocol), binding);
  for (const { containerPort, protocol, hostIp, hostPorts } of added) {
    bind(portKey(containerPort, protocol), { HostIp: hostIp, HostPort: rangeText(hostPorts) });
  }
  const exposed = new Set([...before.exposed, ...added.map((port) => portKey(port.containerPort, port.protocol))]);
  // Ports that were published because they are exposed have explicit bindings from now on.
  return {
    bindings,
    publishAll: false,
    exposed: [...exposed],
    removed: [...vanished].flatMap(({ ports }) => ports),
    added,
  };
}

/** Assigns the ports to the bindings in the order in which they were allocated. */
function entriesOf({ bindings, publishAll, exposed }: Publishing, published: readonly PublishedPort[]): Entry[] {
  const remaining = [...published];
  return requestedPorts({ bindings, exposed, publishAll }).map((requested) => {
    const first = remaining.find((port) => cameFrom(port, requested));
    const ports = first === undefined
      ? []
      : remaining.filter((port) =>
        cameFrom(port, requested) && port.hostPort === first.hostPort &&
        (requested.hostIp === "" || port.hostIp === first.hostIp)
      );
    for (const port of ports) remaining.splice(remaining.indexOf(port), 1);
    return { requested, binding: { HostIp: requested.hostIp, HostPort: rangeText(requested.hostPorts) }, ports };
  });
}

function cameFrom(port: PublishedPort, { protocol, containerPort, hostIp, hostPorts }: RequestedPort): boolean {
  return port.protocol === protocol && port.containerPort === containerPort && isIn(port.hostPort, hostPorts) &&
    (hostIp === "" || hostIp === port.hostIp);
}

function fits(name: PortName, { requested, ports }: Entry, isRunning: boolean): boolean {
  if (name.protocol !== requested.protocol || !isIn(requested.containerPort, name.containerPorts)) return false;
  if (isRunning) {
    return ports.some(({ hostIp, hostPort }) =>
      isIn(hostPort, name.hostPorts) && (name.hostIp === "" || name.hostIp === hostIp)
    );
  }
  const [first, last] = requested.hostPorts;
  const isAny = name.hostPorts[1] === 0;
  const overlaps = first > 0 && first <= name.hostPorts[1] && name.hostPorts[0] <= last;
  return (isAny || overlaps) && (name.hostIp === "" || name.hostIp === requested.hostIp);
}

/** Whether two bindings request the same single port of the host. */
function isSame(a: RequestedPort, b: RequestedPort): boolean {
  const isOne = a.hostPorts[0] > 0 && a.hostPorts[0] === a.hostPorts[1];
  return isOne && a.protocol === b.protocol && a.hostIp === b.hostIp && a.hostPorts.join() === b.hostPorts.join();
}

const isIn = (port: number, [first, last]: readonly [number, number]): boolean =>
  last === 0 || (first <= port && port <= last);

const rangeText = ([first, last]: readonly [number, number]): string =>
  last === 0 ? "" : first === last ? String(first) : `${first}-${last}`;

function nameText({ protocol, hostIp, hostPorts, containerPorts }: PortName): string {
  const host = hostIp === "" ? "" : `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:`;
  const container = rangeText(containerPorts);
  return `${host}${rangeText(hostPorts)}${container === "" ? "" : `:${container}`}/${protocol}`;
}
