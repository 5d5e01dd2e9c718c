/**
 * @module
 * The host ports that this engine has allocated. Ports of other programs are found only by trying to listen.
 */
import { TsdError } from "../errors.ts";
import type { Protocol, PublishedPort, RequestedPort } from "./port.ts";

/** The kernel's default range of ephemeral ports. */
const DEFAULT_RANGE = [32_768, 60_999] as const;
const EVERYWHERE = ["0.0.0.0", "::"] as const;

/** Parses net.ipv4.ip_local_port_range (`32768 60999`). */
export function localPortRange(text: string | undefined): readonly [first: number, last: number] {
  const [first = 0, last = 0] = (text ?? "").trim().split(/\s+/).map(Number);
  return first > 0 && first <= last ? [first, last] : DEFAULT_RANGE;
}

/** Allocates host ports for the published ports of this engine. */
export class PortAllocator {
  readonly #range: readonly [first: number, last: number];
  /** Host addresses by protocol and port. */
  readonly #taken = new Map<string, string[]>();
  #next: number;

  constructor(range: readonly [first: number, last: number]) {
    this.#range = range;
    this.#next = range[0];
  }

  /**
   * Allocates a port on all requested addresses.
   * @param skip ports that are known to be in use by other programs
   * @param replaced ports that the caller will release afterwards: they do not conflict
   * @throws {TsdError} port_in_use, with Docker's message
   */
  take(
    requested: RequestedPort,
    skip: ReadonlySet<number> = new Set(),
    replaced: readonly PublishedPort[] = [],
  ): PublishedPort[] {
    const { protocol, containerPort, hostPorts: [first] } = requested;
    const addresses = requested.hostIp === "" ? EVERYWHERE : [requested.hostIp];
    for (const hostPort of this.#candidates(requested)) {
      if (skip.has(hostPort) || addresses.some((address) => !this.#isFree(protocol, address, hostPort, replaced))) {
        continue;
      }
      if (first === 0) this.#next = hostPort + 1;
      const taken = addresses.map((hostIp) => ({ protocol, containerPort, hostIp, hostPort }));
      for (const port of taken) this.keep(port);
      return taken;
    }
    throw refusal(requested);
  }

  /** Records a port that was allocated earlier. */
  keep({ protocol, hostIp, hostPort }: PublishedPort): void {
    const key = keyOf(protocol, hostPort);
    this.#taken.set(key, [...this.#taken.get(key) ?? [], hostIp]);
  }

  /** Whether exactly this port is allocated. */
  has({ protocol, hostIp, hostPort }: Pick<PublishedPort, "protocol" | "hostIp" | "hostPort">): boolean {
    return this.#taken.get(keyOf(protocol, hostPort))?.includes(hostIp) ?? false;
  }

  free({ protocol, hostIp, hostPort }: PublishedPort): void {
    const key = keyOf(protocol, hostPort);
    const remaining = [...this.#taken.get(key) ?? []];
    const at = remaining.indexOf(hostIp);
    if (at >= 0) remaining.splice(at, 1);
    if (remaining.length === 0) this.#taken.delete(key);
    else this.#taken.set(key, remaining);
  }

  /**
   * Yields the ports that fit. A search of the whole range continues after the last port, so that a released one isn't
   * reused at once.
   */
  *#candidates({ hostPorts: [first, last] }: RequestedPort): Generator<number> {
    if (first > 0) {
      for (let port = first; port <= last; port++) yield port;
      return;
    }
    const [low, high] = this.#range;
    const count = high - low + 1;
    const start = this.#next;
    for (let at = 0; at < count; at++) yield low + (start - low + at) % count;
  }

  #isFree(protocol: Protocol, address: string, port: number, replaced: readonly PublishedPort[]): boolean {
    const taken = [...this.#taken.get(keyOf(protocol, port)) ?? []];
    for (const { protocol: its, hostIp, hostPort } of replaced) {
      if (its === protocol && hostPort === port && taken.includes(hostIp)) taken.splice(taken.indexOf(hostIp), 1);
    }
    return !taken.some((other) => addressesClash(address, other));
  }
}

const keyOf = (protocol: Protocol, port: number): string => `${protocol} ${port}`;

/** Whether two ports can't be open at the same time. */
export const portsClash = (a: PublishedPort, b: PublishedPort): boolean =>
  a.protocol === b.protocol && a.hostPort === b.hostPort && addressesClash(a.hostIp, b.hostIp);

/** Two addresses of one family can't share a port if they are equal or one is the wildcard. */
function addressesClash(a: string, b: string): boolean {
  if (a.includes(":") !== b.includes(":")) return false;
  return a === b || isWildcard(a) || isWildcard(b);
}

/** Whether it is the wildcard address of its family. */
export const isWildcard = (address: string): boolean => (EVERYWHERE as readonly string[]).includes(address);

function refusal({ hostIp, hostPorts: [first, last] }: RequestedPort): TsdError {
  const address = hostIp === "" ? EVERYWHERE[0] : hostIp;
  const shown = address.includes(":") ? `[${address}]` : address;
  if (first > 0 && first === last) {
    return new TsdError("port_in_use", `Bind for ${shown}:${first} failed: port is already allocated`);
  }
  return new TsdError(
    "port_in_use",
    first === 0 ? "all ports are allocated" : `Bind for ${shown}:${first}-${last} failed: all ports are allocated`,
  );
}
