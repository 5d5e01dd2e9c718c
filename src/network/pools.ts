/**
 * @module
 * Where subnets of new networks come from: Docker's default pools, without what the host has a route to. Another engine's
 * networks are among those, as each of its bridges has one. Pure.
 */
import { TsdError } from "../errors.ts";
import { type Address, BITS, overlaps, parseSubnet, sizeOf, type Subnet } from "./address.ts";

const POOLS: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, at) => parseSubnet(`172.${17 + at}.0.0/16`)),
  ...Array.from({ length: 16 }, (_, at) => parseSubnet(`192.168.${16 * at}.0/20`)),
];

/** The first pool that overlaps nothing. @throws {TsdError} invalid_argument when there is none, in Docker's words */
export function choosePool(taken: readonly Subnet[]): Subnet {
  const free = POOLS.find((pool) => !taken.some((each) => overlaps(pool, each)));
  if (free !== undefined) return free;
  throw new TsdError("invalid_argument", "all predefined address pools have been fully subnetted");
}

/** Digits of a network's id that make its part of the address: 40 bits by chance, as RFC 4193 wants it. */
const ULA_DIGITS = 10;
const ULA_PREFIX = 64;

/** A subnet of version 6 that is this network's alone. @param id random hexadecimal digits @throws {TsdError} invalid_argument */
export function chooseUniqueLocal(id: string, taken: readonly Subnet[]): Subnet {
  for (let at = 0; at + ULA_DIGITS <= id.length; at += ULA_DIGITS) {
    const [a, b, c] = [id.slice(at, at + 2), id.slice(at + 2, at + 6), id.slice(at + 6, at + ULA_DIGITS)];
    const subnet = parseSubnet(`fd${a}:${b}:${c}::/${ULA_PREFIX}`);
    if (!taken.some((each) => overlaps(subnet, each))) return subnet;
  }
  throw new TsdError("invalid_argument", "all predefined address pools have been fully subnetted");
}

const RTF_REJECT = 0x200;
/** Linux's ipv6_route.h: it came with a router's advertisement. */
const RTF_ADDRCONF = 0x40000;

/** The subnets that the host knows ways to, from `/proc/net/route`; the default route is none. */
export function hostRoutes(text: string): Subnet[] {
  return text.split("\n").slice(1).flatMap((line) => {
    const [, destination = "", , flags = "", , , , mask = ""] = line.trim().split(/\s+/);
    if (mask === "" || mask === "00000000" || Number(`0x${flags}`) & RTF_REJECT) return [];
    const ones = littleEndian(mask).toString(2).replaceAll("0", "").length;
    return [{ family: 4 as const, base: littleEndian(destination), prefix: ones }];
  });
}

/** The same of version 6, from `/proc/net/ipv6_route`, without what every machine has. */
export function hostRoutes6(text: string): Subnet[] {
  return text.split("\n").flatMap((line) => {
    const [destination = "", length = "", , , , , , , flags = "", device] = line.trim().split(/\s+/);
    const isOther = destination === "" || length === "00" || device === "lo" || /^f[ef]/.test(destination);
    if (isOther || Number(`0x${flags}`) & RTF_REJECT) return [];
    return [{ family: 6 as const, base: BigInt(`0x${destination}`), prefix: Number(`0x${length}`) }];
  });
}

/** Devices by which a router has offered itself as the way out, from `/proc/net/ipv6_route`. */
export function advertisedDevices(text: string): Set<string> {
  return new Set(
    text.split("\n").flatMap((line) => {
      const [, length = "", , , , , , , flags = "", device = ""] = line.trim().split(/\s+/);
      return length === "00" && Number(`0x${flags}`) & RTF_ADDRCONF ? [device] : [];
    }),
  );
}

/** The kernel prints addresses as the machine's own words. */
const littleEndian = (hex: string): bigint => BigInt(`0x${hex.match(/../g)!.toReversed().join("")}`);

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
