/**
 * @module
 * Where subnets of new networks come from: Docker's default pools, without what others on the machine have. Pure.
 */
import { TsdError } from "../errors.ts";
import { type Address, BITS, overlaps, parseSubnet, sizeOf, type Subnet } from "./address.ts";

const POOLS: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, at) => parseSubnet(`172.${17 + at}.0.0/16`)),
  ...Array.from({ length: 16 }, (_, at) => parseSubnet(`192.168.${16 * at}.0/20`)),
];

/** Addresses that are in use on the machine. */
export interface ReservedSubnet {
  readonly subnet: Subnet;
  /** What has them, for messages: `interface eth0`. */
  readonly holder: string;
  /**
   * A route to other machines, which may use some of these addresses. A smaller subnet can still be used, as its own
   * route is more specific: a VPN may lead everything to itself by routes like 0.0.0.0/1.
   */
  readonly isRoute?: boolean;
}

export interface PoolChoice {
  readonly reserved: readonly ReservedSubnet[];
  /** What the network had, which it keeps if it can. */
  readonly current?: Subnet | undefined;
}

/** What keeps a network from having a subnet; undefined where nothing does. */
export function conflictWith(subnet: Subnet, reserved: readonly ReservedSubnet[]): ReservedSubnet | undefined {
  return reserved.find((each) =>
    overlaps(subnet, each.subnet) && !(each.isRoute && each.subnet.prefix < subnet.prefix)
  );
}

/**
 * The first pool that overlaps nothing, else one that only routes to larger subnets lead to.
 * @param startAt number of the pool that is looked at first
 * @throws {TsdError} invalid_argument when there is none, in Docker's words
 */
export function choosePool({ reserved, current }: PoolChoice, startAt = 0): Subnet {
  const first = startAt % POOLS.length;
  return choose([...current ? [current] : [], ...POOLS.slice(first), ...POOLS.slice(0, first)], reserved);
}

/** Digits of a network's id that make its part of the address: 40 bits by chance, as RFC 4193 wants it. */
const ULA_DIGITS = 10;
const ULA_PREFIX = 64;

/** A subnet of version 6 that is this network's alone. @param id random hexadecimal digits @throws {TsdError} invalid_argument */
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

/** What an address is chosen by. */
export interface AddressChoice {
  readonly taken: ReadonlySet<bigint>;
  /** A part of the network. */
  readonly range?: Subnet | undefined;
  /** The one that was given last: the search goes on behind it, so that one that was just freed isn't given again at once. */
  readonly after?: bigint | undefined;
}

/**
 * A free address of a network, in its range if it has one. Its first and last address belong to nobody.
 * @throws {TsdError} network_exhausted when there is none
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

/** A locally administered address that follows from the IPv4 address, so that neighbours needn't learn a new one. */
export function macOf({ value }: Address): string {
  const low = (value & 0xffffffffn).toString(16).padStart(8, "0");
  return `02:42:${low.match(/../g)!.join(":")}`;
}
