/**
 * @module
 * Address pools: chooses the subnets of new networks from Docker's default pools, without those in use on the machine,
 * and addresses within them. Pure.
 */
import { TsdError } from "../errors.ts";
import { type Address, BITS, overlaps, parseSubnet, sizeOf, type Subnet } from "./address.ts";

const POOLS: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, at) => parseSubnet(`172.${17 + at}.0.0/16`)),
  ...Array.from({ length: 16 }, (_, at) => parseSubnet(`192.168.${16 * at}.0/20`)),
];

/** A subnet in use on the machine. */
export interface ReservedSubnet {
  readonly subnet: Subnet;
  /** What uses it, for error messages: `interface eth0`. */
  readonly holder: string;
  /**
   * Whether it is a route to other hosts, which may use some of these addresses only. A smaller subnet can still be
   * used, because its own route is more specific: a VPN may route everything to itself by 0.0.0.0/1 and the like.
   */
  readonly isRoute?: boolean;
}

export interface PoolChoice {
  readonly reserved: readonly ReservedSubnet[];
  /** The network's current subnet, which it keeps if possible. */
  readonly current?: Subnet | undefined;
}

/** Returns what conflicts with a subnet; undefined if nothing does. */
export function conflictWith(subnet: Subnet, reserved: readonly ReservedSubnet[]): ReservedSubnet | undefined {
  return reserved.find((each) =>
    overlaps(subnet, each.subnet) && !(each.isRoute && each.subnet.prefix < subnet.prefix)
  );
}

/**
 * Chooses the first pool that overlaps nothing reserved; if there is none, the first that overlaps only routes to
 * larger subnets.
 * @param startAt index of the pool to start the search at
 * @throws {TsdError} invalid_argument if no pool is free, with Docker's message
 */
export function choosePool({ reserved, current }: PoolChoice, startAt = 0): Subnet {
  const first = startAt % POOLS.length;
  return choose([...current ? [current] : [], ...POOLS.slice(first), ...POOLS.slice(0, first)], reserved);
}

/** Digits of a network's id that become the global ID: 40 random bits (RFC 4193, 3.2). */
const ULA_DIGITS = 10;
const ULA_PREFIX = 64;

/**
 * Chooses a unique local IPv6 subnet (RFC 4193).
 * @param id the network's id: random hexadecimal digits
 * @throws {TsdError} invalid_argument
 */
export function chooseUniqueLocal(id: string, { reserved, current }: PoolChoice): Subnet {
  const candidates = current ? [current] : [];
  for (let at = 0; at + ULA_DIGITS <= id.length; at += ULA_DIGITS) {
    const [a, b, c] = [id.slice(at, at + 2), id.slice(at + 2, at + 6), id.slice(at + 6, at + ULA_DIGITS)];
    candidates.push(parseSubnet(`fd${a}:${b}:${c}::/${ULA_PREFIX}`));
  }
  return choose(candidates, reserved);
}

function choose(candidates: readonly Subnet[], reserved: readonly ReservedSubnet[]): Subnet {
  const free = candidates.find((each) => !reserved.some(({ subnet }) => overlaps(each, subnet))) ??
    candidates.find((each) => conflictWith(each, reserved) === undefined);
  if (free !== undefined) return free;
  throw new TsdError("invalid_argument", "all predefined address pools have been fully subnetted");
}

/** Restricts the choice of an address. */
export interface AddressChoice {
  readonly taken: ReadonlySet<bigint>;
  /** A part of the subnet to choose from. */
  readonly range?: Subnet | undefined;
  /** The address allocated last. The search starts after it, so that a released address is not reused at once. */
  readonly after?: bigint | undefined;
}

/**
 * Returns a free address of a subnet. The network address and the last address are never used.
 * @throws {TsdError} network_exhausted if no address is free
 */
export function freeAddress(subnet: Subnet, { taken, range = subnet, after }: AddressChoice): Address {
  const { family } = subnet;
  const first = subnet.base + 1n;
  const last = subnet.base + sizeOf(subnet) - (BITS[family] - subnet.prefix > 1 ? 2n : 1n);
  const start = range.base > first ? range.base : first;
  const end = range.base + sizeOf(range) - 1n < last ? range.base + sizeOf(range) - 1n : last;
  const begin = after === undefined || after < start || after >= end ? start : after + 1n;
  const free = unused(begin, end, taken) ?? unused(start, begin - 1n, taken);
  if (free !== undefined) return { family, value: free };
  throw new TsdError("network_exhausted", `no available IPv${family} addresses on this network's address pools`);
}

function unused(first: bigint, last: bigint, taken: ReadonlySet<bigint>): bigint | undefined {
  for (let value = first; value <= last; value++) if (!taken.has(value)) return value;
  return undefined;
}

/**
 * Derives a locally administered MAC address from the IPv4 address, so that neighbours needn't learn another one when
 * the address is reused.
 */
export function macOf({ value }: Address): string {
  const low = (value & 0xffffffffn).toString(16).padStart(8, "0");
  return `02:42:${low.match(/../g)!.join(":")}`;
}
