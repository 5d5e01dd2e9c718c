/**
 * @module
 * Changes of what a container publishes: which bindings go, which come, and what that means for ports that are open now.
 * A port goes with the whole binding that it came from. Pure.
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

/** A checked request. */
export interface PortUpdate {
  readonly add: PortMap;
  readonly remove: readonly PortName[];
}

/** What a port that goes must be; [0, 0] and empty fit everything. */
export interface PortName {
  readonly protocol: Protocol;
  readonly hostIp: string;
  readonly hostPorts: readonly [first: number, last: number];
  readonly containerPorts: readonly [first: number, last: number];
}

/** What a container publishes, as its record has it. */
export interface Publishing {
  readonly bindings: HostConfig["PortBindings"];
  readonly publishAll: boolean;
  readonly exposed: readonly string[];
}

/** What it comes to. */
export interface ChangedPublishing extends Publishing {
  readonly removed: readonly PublishedPort[];
  readonly added: readonly RequestedPort[];
}

/** One binding, and what it came to where the container runs. */
interface Entry {
  readonly requested: RequestedPort;
  readonly binding: PortBinding;
  readonly ports: readonly PublishedPort[];
}

/** @throws {TsdError} invalid_argument */
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
 * @param published what a running container has; undefined for one that doesn't run
 * @throws {TsdError} invalid_argument: what is to go isn't there; conflict: what is to come is there
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
  const left = entries.filter((entry) => !vanished.has(entry));
  const twice = added.find((port) => left.some(({ requested }) => isSame(port, requested)));
  if (twice !== undefined) {
    const { hostIp, hostPorts: [first] } = twice;
    const shown = hostIp.includes(":") ? `[${hostIp}]` : hostIp || "0.0.0.0";
    throw new TsdError("port_in_use", `Bind for ${shown}:${first} failed: port is already allocated`);
  }
  const bindings: Record<string, PortBinding[]> = {};
  const bind = (port: string, binding: PortBinding) => (bindings[port] ??= []).push(binding);
  for (const { requested, binding } of left) bind(portKey(requested.containerPort, requested.protocol), binding);
  for (const { containerPort, protocol, hostIp, hostPorts } of added) {
    bind(portKey(containerPort, protocol), { HostIp: hostIp, HostPort: rangeText(hostPorts) });
  }
  const exposed = new Set([...before.exposed, ...added.map((port) => portKey(port.containerPort, port.protocol))]);
  // What was published for being exposed has a binding of its own from now on.
  return {
    bindings,
    publishAll: false,
    exposed: [...exposed],
    removed: [...vanished].flatMap(({ ports }) => ports),
    added,
  };
}

/** In the order in which they were published, so that each finds its own. */
function entriesOf({ bindings, publishAll, exposed }: Publishing, published: readonly PublishedPort[]): Entry[] {
  const left = [...published];
  return requestedPorts({ bindings, exposed, publishAll }).map((requested) => {
    const first = left.find((port) => cameFrom(port, requested));
    const ports = first === undefined
      ? []
      : left.filter((port) =>
        cameFrom(port, requested) && port.hostPort === first.hostPort &&
        (requested.hostIp === "" || port.hostIp === first.hostIp)
      );
    for (const port of ports) left.splice(left.indexOf(port), 1);
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

/** Whether two bindings want the very same port of the host. */
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
