/**
 * @module
 * The port of names (53) on all addresses, published beside the addresses of our own bridges, where containers ask for
 * names. The kernel lets both be when both say that they share; who else has the port is looked up, as programs that share
 * with everybody (a CoreDNS) would be taken in silently.
 */
import { readIfExists } from "../io/if_exists.ts";
import { type Family, formatAddress } from "./address.ts";
import { NAME_PORT } from "./dns/name_port.ts";
import type { Protocol, PublishedPort } from "./port.ts";
import { isWildcard } from "./port_allocator.ts";

/** Of linux/tcp_states.h, as /proc has it: a TCP socket that listens. */
const LISTENING = "0A";
/** An address of version 4 in one of version 6: RFC 4291, 2.5.5.2. */
const MAPPED = 0xffffn << 32n;

/** Whether a port is one that names may be asked for at on some of its addresses. */
export const canBeShared = ({ protocol, hostIp, hostPort }: PublishedPort): boolean =>
  hostPort === NAME_PORT && isWildcard(hostIp) && protocol !== "sctp";

/**
 * Addresses at which somebody has a port, as far as they are in the way of all addresses of a version. One of all addresses
 * of version 6 may be of version 4 as well.
 */
export function holders({ protocol, hostIp, hostPort }: PublishedPort, read = readTable): string[] {
  const isIpv6 = hostIp.includes(":");
  const found = (family: Family) => boundAddresses(read(protocol, family), hostPort, protocol);
  if (isIpv6) return found(6).filter((address) => address.includes(":"));
  return [...found(4), ...found(6).filter((address) => !address.includes(":") || isWildcard(address))];
}

const readTable = (protocol: Protocol, family: Family): string =>
  readIfExists(`/proc/net/${protocol}${family === 6 ? "6" : ""}`) ?? "";

/** Of `/proc/net/tcp` and the like. Exported for tests. */
export function boundAddresses(table: string, port: number, protocol: Protocol): string[] {
  return table.split("\n").slice(1).flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [hex = "", digits = ""] = local.split(":");
    const isOpen = protocol !== "tcp" || state === LISTENING;
    return isOpen && parseInt(digits, 16) === port ? [addressOf(hex)] : [];
  });
}

/** Words of four bytes, each in the machine's order. */
function addressOf(hex: string): string {
  const bytes = hex.match(/.{8}/g)!.map((word) => word.match(/../g)!.toReversed().join("")).join("");
  const value = BigInt(`0x${bytes}`);
  if (hex.length === 8) return formatAddress({ family: 4, value });
  return value >> 32n === MAPPED >> 32n
    ? formatAddress({ family: 4, value: value & 0xffff_ffffn })
    : formatAddress({ family: 6, value });
}
