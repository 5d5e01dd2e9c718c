/**
 * @module
 * What the kernel knows of ways, and what it believes of routers that offer themselves.
 */
import type { Subnet } from "../../network/address.ts";
import { advertisedDevices, hostRoutes, hostRoutes6 } from "../../network/pools.ts";
import { readIfExists } from "../../io/if_exists.ts";
import { setKernel } from "./kernel_settings.ts";

const SIX = "/proc/sys/net/ipv6/conf";
const IPV6_ROUTES = "/proc/net/ipv6_route";

/** Where the host can go, but for its default route. */
export function routes(): Subnet[] {
  return [
    ...hostRoutes(Deno.readTextFileSync("/proc/net/route")),
    ...hostRoutes6(readIfExists(IPV6_ROUTES) ?? ""),
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
