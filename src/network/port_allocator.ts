/**
 * @module
 * Which ports of the host one engine has given out. What other programs have, only the attempt to listen there can tell.
 */
import { TsdError } from "../errors.ts";
import type { Protocol, PublishedPort, RequestedPort } from "./port.ts";

/** The kernel's default range for ports that nobody asked for by number. */
const DEFAULT_RANGE = [32_768, 60_999] as const;
const EVERYWHERE = ["0.0.0.0", "::"] as const;

/** `32768 60999`, of net.ipv4.ip_local_port_range. */
export function localPortRange(text: string | undefined): readonly [first: number, last: number] {
  const [first = 0, last = 0] = (text ?? "").trim().split(/\s+/).map(Number);
  return first > 0 && first <= last ? [first, last] : DEFAULT_RANGE;
}

/** See the module's comment. */
export class PortAllocator {
  readonly #range: readonly [first: number, last: number];
  /** By protocol and number: the addresses that have it. */
  readonly #taken = new Map<string, string[]>();
  #next: number;

  constructor(range: readonly [first: number, last: number]) {
    this.#range = range;
    this.#next = range[0];
  }

  /**
   * Takes a port. Of several that fit, `skip` says which others are known not to work.
   * @param replaced what the taker has and gives back afterwards: it is in no one's way
   * @throws {TsdError} port_in_use, in Docker's words
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

  /** One that was given out earlier. */
  keep({ protocol, hostIp, hostPort }: PublishedPort): void {
    const key = keyOf(protocol, hostPort);
    this.#taken.set(key, [...this.#taken.get(key) ?? [], hostIp]);
  }

  /** Whether that very port was given out. */
  has({ protocol, hostIp, hostPort }: Pick<PublishedPort, "protocol" | "hostIp" | "hostPort">): boolean {
    return this.#taken.get(keyOf(protocol, hostPort))?.includes(hostIp) ?? false;
  }

  free({ protocol, hostIp, hostPort }: PublishedPort): void {
    const key = keyOf(protocol, hostPort);
    const left = [...this.#taken.get(key) ?? []];
    const at = left.indexOf(hostIp);
    if (at >= 0) left.splice(at, 1);
    if (left.length === 0) this.#taken.delete(key);
    else this.#taken.set(key, left);
  }

  /** Numbers that fit, the next one of the whole range first, so that one just freed isn't given out again at once. */
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

/** Whether two ports can't be open at once. */
export const portsClash = (a: PublishedPort, b: PublishedPort): boolean =>
  a.protocol === b.protocol && a.hostPort === b.hostPort && addressesClash(a.hostIp, b.hostIp);

/** Two addresses of one version can't share a port when they are the same, or one is all of them. */
function addressesClash(a: string, b: string): boolean {
  if (a.includes(":") !== b.includes(":")) return false;
  return a === b || isWildcard(a) || isWildcard(b);
}

/** Whether it stands for all addresses of its version. */
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
