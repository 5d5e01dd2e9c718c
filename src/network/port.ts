/**
 * @module
 * Published ports: as requested (`PortBindings`, `ExposedPorts`, `PublishAllPorts`), and as allocated.
 */
import type { PortMap } from "../api_types/mod.ts";
import { TsdError } from "../errors.ts";
import { parseAddress } from "./address.ts";

const PROTOCOLS = ["tcp", "udp", "sctp"] as const;
export type Protocol = typeof PROTOCOLS[number];

/** A port that a request publishes. */
export interface RequestedPort {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** An IP address; empty for all IPv4 and IPv6 addresses. */
  readonly hostIp: string;
  /** The range to choose one port from; [0, 0] for any port. */
  readonly hostPorts: readonly [first: number, last: number];
}

/** A port of the host that is mapped to a port of a container. Plain JSON. */
export interface PublishedPort {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** An IP address; `0.0.0.0` and `::` are all addresses of their family. */
  readonly hostIp: string;
  readonly hostPort: number;
}

/** The current destination of a published port: a container's address can change or be removed while it runs. */
export interface PortTarget {
  /** Returns undefined if the container has no address. */
  readonly address: () => string | undefined;
  /** The container's port. It may change. */
  port: number;
}

const MAX_PORT = 65_535;

/**
 * Parses a port in the form of requests: `80/tcp`.
 * @throws {TsdError} invalid_argument
 */
export function parsePort(text: string): { readonly protocol: Protocol; readonly port: number } {
  const [digits = "", given] = text.split("/");
  const protocol = PROTOCOLS.find((each) => each === (given || "tcp").toLowerCase());
  if (protocol === undefined) throw invalid(`invalid proto: ${given}`);
  const [port, last] = portRange(digits);
  if (port !== last || port === 0) throw invalid(`invalid port specification: ${JSON.stringify(digits)}`);
  return { protocol, port };
}

/**
 * Parses `8080`, `8000-8010` or an empty string ([0, 0]).
 * @throws {TsdError} invalid_argument
 */
export function portRange(text: string): [first: number, last: number] {
  if (text === "") return [0, 0];
  const [, from = "", to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === "" || last > MAX_PORT || first > last) {
    throw invalid(`invalid port specification: ${JSON.stringify(text)}`);
  }
  return [first, last];
}

export interface PortRequest {
  readonly bindings: PortMap | null | undefined;
  /** Ports in the form `80/tcp`. */
  readonly exposed: Iterable<string>;
  /** Whether exposed ports without a binding are published too. */
  readonly publishAll: boolean;
}

/**
 * Returns the requested ports, sorted by the containers' ports, so that of several conflicts always the same one is
 * reported.
 * @throws {TsdError} invalid_argument
 */
export function requestedPorts({ bindings, exposed, publishAll }: PortRequest): RequestedPort[] {
  const requested = Object.entries(bindings ?? {}).filter(([, list]) => (list ?? []).length > 0);
  const expected = requested.flatMap(([name, list]) => (list ?? []).map((binding) => requestedPort(name, binding)));
  const named = new Set(requested.map(([name]) => keyOf(name)));
  const others = publishAll ? [...exposed].filter((name) => !named.has(keyOf(name))) : [];
  const all = [...expected, ...others.map((name) => requestedPort(name, { HostIp: "", HostPort: "" }))];
  return all.sort((a, b) =>
    a.containerPort - b.containerPort || PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol)
  );
}

/** Formats a port as a key of Docker's maps. */
export const portKey = (port: number, protocol: string): string => `${port}/${protocol}`;

function keyOf(name: string): string {
  const { port, protocol } = parsePort(name);
  return portKey(port, protocol);
}

/**
 * Parses one binding.
 * @throws {TsdError} invalid_argument
 */
export function requestedPort(
  name: string,
  { HostIp: ip = "", HostPort: ports = "" }: { HostIp?: string | undefined; HostPort?: string | undefined },
): RequestedPort {
  const { protocol, port } = parsePort(name);
  const hostIp = ip.replace(/^\[(.*)\]$/, "$1");
  if (hostIp !== "" && parseAddress(hostIp) === undefined) throw invalid(`invalid IP address: ${ip}`);
  return { protocol, containerPort: port, hostIp, hostPorts: portRange(ports) };
}

const invalid = (message: string) => new TsdError("invalid_argument", message);
