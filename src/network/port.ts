/**
 * @module
 * Published ports: what a create request asks for (`PortBindings`, `ExposedPorts`, `PublishAllPorts`), and what it came to.
 */
import type { PortMap } from "../api_types/mod.ts";
import { TsdError } from "../errors.ts";
import { parseAddress } from "./address.ts";

const PROTOCOLS = ["tcp", "udp", "sctp"] as const;
export type Protocol = typeof PROTOCOLS[number];

/** A port that is to be reached from outside. */
export interface RequestedPort {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** Empty: every address, of both versions. */
  readonly hostIp: string;
  /** One of these; 0 to 0 is any. */
  readonly hostPorts: readonly [first: number, last: number];
}

/** A port of the host that leads to one of a container. Plain JSON. */
export interface PublishedPort {
  readonly protocol: Protocol;
  readonly containerPort: number;
  /** An address; `0.0.0.0` and `::` are all of their version. */
  readonly hostIp: string;
  readonly hostPort: number;
}

/** Where a published port leads now: a container can get another address while it runs, or have none. */
export interface PortTarget {
  /** Undefined: nowhere. */
  readonly address: () => string | undefined;
  /** The container's. It can become another one. */
  port: number;
}

const MAX_PORT = 65_535;

/** Names of ports as they are in requests: `80/tcp`. @throws {TsdError} invalid_argument */
export function parsePort(text: string): { readonly protocol: Protocol; readonly port: number } {
  const [digits = "", given] = text.split("/");
  const protocol = PROTOCOLS.find((each) => each === (given || "tcp").toLowerCase());
  if (protocol === undefined) throw invalid(`invalid proto: ${given}`);
  const [port, last] = portRange(digits);
  if (port !== last || port === 0) throw invalid(`invalid port specification: ${JSON.stringify(digits)}`);
  return { protocol, port };
}

/** `8080`, `8000-8010`, or nothing. @throws {TsdError} invalid_argument */
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
  /** Names of ports. */
  readonly exposed: Iterable<string>;
  /** Whether exposed ports without a binding get one. */
  readonly publishAll: boolean;
}

/** In the order of the containers' ports, so that of two clashes always the same is told. @throws {TsdError} invalid_argument */
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

/** The name of a port in the form of Docker's maps. */
export const portKey = (port: number, protocol: string): string => `${port}/${protocol}`;

function keyOf(name: string): string {
  const { port, protocol } = parsePort(name);
  return portKey(port, protocol);
}

/** What one binding wants. @throws {TsdError} invalid_argument */
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
