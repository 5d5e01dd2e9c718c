/**
 * @module
 * Publishing the DNS port (53) on all addresses while the embedded DNS servers listen on the bridges' addresses. The
 * kernel allows both if both sockets set SO_REUSEPORT or SO_REUSEADDR. Other users of the port are looked up first,
 * because the kernel would silently share it with programs that set the option too, such as CoreDNS.
 */
import { readIfExists } from "../io/if_exists.ts";
import { type Family, formatAddress } from "./address.ts";
import { NAME_PORT } from "./dns/name_port.ts";
import type { Protocol, PublishedPort } from "./port.ts";
import { isWildcard } from "./port_allocator.ts";

/** Listening TCP sockets in /proc/net (linux/tcp_states.h). */
const LISTENING = "0A";
/** Prefix of IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2). */
const MAPPED = 0xffffn << 32n;

/** Whether a port overlaps with the embedded DNS servers' sockets. */
export const canBeShared = ({ protocol, hostIp, hostPort }: PublishedPort): boolean =>
  hostPort === NAME_PORT && isWildcard(hostIp) && protocol !== "sctp";

/**
 * Returns the addresses on which a port is in use and that conflict with the wildcard address of the port's family. A
 * socket of the IPv6 wildcard may accept IPv4 as well.
 */
export function holders({ protocol, hostIp, hostPort }: PublishedPort, read = readTable): string[] {
  const isIpv6 = hostIp.includes(":");
  const found = (family: Family) => boundAddresses(read(protocol, family), hostPort, protocol);
  if (isIpv6) return found(6).filter((address) => address.includes(":"));
  return [...found(4), ...found(6).filter((address) => !address.includes(":") || isWildcard(address))];
}

const readTable = (protocol: Protocol, family: Family): string =>
  readIfExists(`/proc/net/${protocol}${family === 6 ? "6" : ""}`) ?? "";

/** Parses `/proc/net/tcp` and the like. Exported for tests. */
export function boundAddresses(table: string, port: number, protocol: Protocol): string[] {
  return table.split("\n").slice(1).flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [hex = "", digits = ""] = local.split(":");
    const isOpen = protocol !== "tcp" || state === LISTENING;
    return isOpen && parseInt(digits, 16) === port ? [addressOf(hex)] : [];
  });
}

/** Parses an address printed as 32-bit words in host byte order. */
function addressOf(hex: string): string {
  const bytes = hex.match(/.{8}/g)!.map((word) => word.match(/../g)!.toReversed().join("")).join("");
  const value = BigInt(`0x${bytes}`);
  if (hex.length === 8) return formatAddress({ family: 4, value });
  return value >> 32n === MAPPED >> 32n
    ? formatAddress({ family: 4, value: value & 0xffff_ffffn })
    : formatAddress({ family: 6, value });
}
