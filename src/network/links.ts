/**
 * @module
 * Interfaces of this process's network namespace and their addresses, from rtnetlink(7).
 */
import { type Address, type Subnet, subnetOf } from "./address.ts";
import { type DumpCalls, netlinkDump } from "./netlink_dump.ts";
import { attributeIn } from "./netlink_message.ts";

/** linux/rtnetlink.h. */
const [NEWLINK, GETLINK, NEWADDR, GETADDR] = [16, 18, 20, 22];
/** linux/if_link.h. */
const [IFLA_ADDRESS, IFNAME, LINKINFO, INFO_KIND] = [1, 3, 18, 1];
/** linux/if_addr.h. */
const [IFA_ADDRESS, IFA_LOCAL] = [1, 2];
/** `struct ifinfomsg` and `struct ifaddrmsg`. */
const [LINK_BYTES, ADDRESS_BYTES] = [16, 8];
/** sys/socket.h. */
const [AF_INET, AF_INET6] = [2, 10];

export interface LinkKind {
  readonly name: string;
  /** `bridge`, `veth`, `tun` …; undefined for a physical interface. */
  readonly kind: string | undefined;
}

interface Link extends LinkKind {
  readonly index: number;
  /** MAC address in the form of `ip link`. */
  readonly mac: string;
}

/** A subnet that is on-link at an interface. */
export interface LinkSubnet {
  /** The interface's name. */
  readonly device: string;
  readonly subnet: Subnet;
}

/**
 * Lists all interfaces, whether up or down.
 * @throws {SysError}
 */
export async function linkKinds(calls: DumpCalls): Promise<LinkKind[]> {
  return (await links(calls)).map(({ name, kind }) => ({ name, kind }));
}

/**
 * Returns an interface's MAC address; undefined if there is no interface of that name.
 * @throws {SysError}
 */
export async function linkMac(calls: DumpCalls, requested: string): Promise<string | undefined> {
  return (await links(calls)).find(({ name }) => name === requested)?.mac;
}

/**
 * Lists the IPv4 and IPv6 addresses of all interfaces with their prefixes, whether up or down.
 * @throws {SysError}
 */
export async function linkSubnets(calls: DumpCalls): Promise<LinkSubnet[]> {
  const bodies = await netlinkDump(calls, { ask: GETADDR, answer: NEWADDR, bodyBytes: ADDRESS_BYTES });
  const names = new Map((await links(calls)).map(({ index, name }) => [index, name]));
  return bodies.flatMap((body) => {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const [family, prefix, device] = [view.getUint8(0), view.getUint8(1), names.get(view.getUint32(4, true))];
    // The interface was removed between the two dumps.
    if (device === undefined || (family !== AF_INET && family !== AF_INET6)) return [];
    const attributes = body.subarray(ADDRESS_BYTES);
    return [IFA_ADDRESS, IFA_LOCAL].flatMap((type) => {
      const value = attributeIn(attributes, type);
      return value === undefined ? [] : { device, subnet: subnetOf(addressOf(value), prefix) };
    });
  });
}

async function links(calls: DumpCalls): Promise<Link[]> {
  const bodies = await netlinkDump(calls, { ask: GETLINK, answer: NEWLINK, bodyBytes: LINK_BYTES });
  return bodies.map((body) => {
    const attributes = body.subarray(LINK_BYTES);
    const info = attributeIn(attributes, LINKINFO);
    const kind = info && attributeIn(info, INFO_KIND);
    const index = new DataView(body.buffer, body.byteOffset).getInt32(4, true);
    const mac = (attributeIn(attributes, IFLA_ADDRESS) ?? new Uint8Array()).toHex().match(/../g)?.join(":") ?? "";
    return { index, mac, name: text(attributeIn(attributes, IFNAME)), kind: kind && text(kind) };
  });
}

/** Parses 4 or 16 bytes in network byte order. */
const addressOf = (bytes: Uint8Array): Address => ({
  family: bytes.length === 4 ? 4 : 6,
  value: bytes.reduce((value, byte) => value << 8n | BigInt(byte), 0n),
});

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes).replace(/\0.*$/s, "");
