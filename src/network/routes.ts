/**
 * @module
 * The main routing table, from `/proc/net/route` and `/proc/net/ipv6_route`. Pure.
 */
import type { Subnet } from "./address.ts";

export interface Route {
  readonly subnet: Subnet;
  /** The interface's name. */
  readonly device: string;
}

/** Linux's route.h. */
const RTF_REJECT = 0x200;
/** Linux's ipv6_route.h: learned from a router advertisement. */
const RTF_ADDRCONF = 0x40000;

/** Parses IPv4 routes, without the default route. */
export function hostRoutes(text: string): Route[] {
  return text.split("\n").slice(1).flatMap((line) => {
    const [device = "", destination = "", , flags = "", , , , mask = ""] = line.trim().split(/\s+/);
    if (mask === "" || mask === "00000000" || Number(`0x${flags}`) & RTF_REJECT) return [];
    const prefix = littleEndian(mask).toString(2).replaceAll("0", "").length;
    return [{ device, subnet: { family: 4 as const, base: littleEndian(destination), prefix } }];
  });
}

/** Parses IPv6 routes, without the default route and those that every machine has. */
export function hostRoutes6(text: string): Route[] {
  return text.split("\n").flatMap((line) => {
    const [destination = "", length = "", , , , , , , flags = "", device = ""] = line.trim().split(/\s+/);
    // Link-local and multicast addresses.
    const isOther = destination === "" || length === "00" || device === "lo" || /^f[ef]/.test(destination);
    if (isOther || Number(`0x${flags}`) & RTF_REJECT) return [];
    return [{
      device,
      subnet: { family: 6 as const, base: BigInt(`0x${destination}`), prefix: Number(`0x${length}`) },
    }];
  });
}

/** Returns the devices with a default route from a router advertisement, from `/proc/net/ipv6_route`. */
export function advertisedDevices(text: string): Set<string> {
  return new Set(
    text.split("\n").flatMap((line) => {
      const [, length = "", , , , , , , flags = "", device = ""] = line.trim().split(/\s+/);
      return length === "00" && Number(`0x${flags}`) & RTF_ADDRCONF ? [device] : [];
    }),
  );
}

/** The kernel prints IPv4 addresses as integers in host byte order. */
const littleEndian = (hex: string): bigint => BigInt(`0x${hex.match(/../g)!.toReversed().join("")}`);
