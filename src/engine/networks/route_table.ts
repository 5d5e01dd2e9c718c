/**
 * @module
 * What the kernel knows of address ranges and routes, and what it believes of routers that offer themselves.
 */
import { overlaps, parseSubnet } from "../../network/address.ts";
import { linkSubnets } from "../../network/links.ts";
import type { DumpCalls } from "../../network/netlink_dump.ts";
import type { ReservedSubnet } from "../../network/pools.ts";
import { advertisedDevices, hostRoutes, hostRoutes6 } from "../../network/routes.ts";
import { readIfExists } from "../../io/if_exists.ts";
import { setKernel } from "./kernel_settings.ts";

const SIX = "/proc/sys/net/ipv6/conf";
const IPV6_ROUTES = "/proc/net/ipv6_route";
/** Every interface has one; they mean nothing beyond it. */
const LINK_LOCAL_SIX = parseSubnet("fe80::/10");

/**
 * Address ranges that are in use on the machine now: those of interfaces, whether they are up or not, and those that
 * routes lead to, but for the default route. @param own name of an interface that doesn't count @throws {SysError}
 */
export async function reservedSubnets(calls: DumpCalls, own: string): Promise<ReservedSubnet[]> {
  const routes = [
    ...hostRoutes(Deno.readTextFileSync("/proc/net/route")),
    ...hostRoutes6(readIfExists(IPV6_ROUTES) ?? ""),
  ];
  // An interface that comes meanwhile is named as one, and not by its route.
  const links = (await linkSubnets(calls)).filter(({ subnet }) => !overlaps(subnet, LINK_LOCAL_SIX));
  const isOther = ({ device }: { readonly device: string }) => device !== own;
  return [
    ...links.filter(isOther).map(({ device, subnet }) => ({ subnet, holder: `interface ${device}` })),
    ...routes.filter(isOther).map(({ device, subnet }) => ({
      subnet,
      holder: `a route through ${device}`,
      isRoute: true,
    })),
  ];
}

/**
 * A machine that forwards IPv6 doesn't listen to routers any more unless it is told to (accept_ra is 2): one that has its
 * own way out from them keeps it. @throws {TsdError} runtime_failed
 */
export function keepAdvertisedRoutes(): void {
  for (const device of advertisedDevices(readIfExists(IPV6_ROUTES) ?? "")) {
    const accept = `${SIX}/${device}/accept_ra`;
    if (readIfExists(accept)?.trim() === "1") setKernel(accept, "2");
  }
}

/** A bridge believes no routers: every container could play one. @throws {TsdError} runtime_failed */
export function refuseAdvertisements(bridge: string): void {
  const accept = `${SIX}/${bridge}/accept_ra`;
  if (readIfExists(accept) !== undefined) setKernel(accept, "0");
}
