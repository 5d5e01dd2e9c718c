/**
 * @module
 * IP addresses and subnets as numbers (RFC 4632, RFC 4291; IPv6 text as in RFC 5952). Pure.
 */
import { TsdError } from "../errors.ts";

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A block of addresses. All bits of `base` after the first `prefix` bits are zero. */
export interface Subnet {
  readonly family: Family;
  readonly base: bigint;
  readonly prefix: number;
}

/** Length of an address in bits. */
export const BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** Parses dotted-decimal IPv4 or IPv6 without a zone. Returns undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(":")) return parseIpv6(text);
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return { family: 4, value: parts.reduce((value, part) => value << 8n | BigInt(part), 0n) };
}

function parseIpv6(text: string): Address | undefined {
  if (!/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  const host = URL.parse(`http://[${text}]/`)?.hostname;
  if (host === undefined) return undefined;
  const [head = "", tail] = host.slice(1, -1).split("::");
  const words = (part: string) => part === "" ? [] : part.split(":");
  const [left, right] = [words(head), words(tail ?? "")];
  const filled = [...left, ...Array(8 - left.length - right.length).fill("0"), ...right];
  return { family: 6, value: filled.reduce((value, word) => value << 16n | BigInt(`0x${word}`), 0n) };
}

/** Formats IPv4 in dotted decimal and IPv6 as RFC 5952 recommends. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String(value >> shift & 0xffn)).join(".");
  const words = Array.from({ length: 8 }, (_, at) => (value >> BigInt(112 - 16 * at) & 0xffffn).toString(16));
  return new URL(`http://[${words.join(":")}]/`).hostname.slice(1, -1);
}

/** Returns the canonical text form, by which addresses can be compared; undefined if `text` is not an address. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  return address && formatAddress(address);
}

/** Returns the address in network byte order. */
export function addressBytes({ family, value }: Address): Uint8Array<ArrayBuffer> {
  const digits = value.toString(16).padStart(BITS[family] / 4, "0");
  return Uint8Array.from(digits.match(/../g)!, (byte) => parseInt(byte, 16));
}

/**
 * Parses CIDR notation (`172.17.0.0/16`) and clears the host bits.
 * @throws {TsdError} invalid_argument
 */
export function parseSubnet(text: string): Subnet {
  const [head = "", digits = "", ...more] = text.split("/");
  const address = parseAddress(head);
  const prefix = Number(digits);
  if (address === undefined || more.length > 0 || !/^\d{1,3}$/.test(digits) || prefix > BITS[address.family]) {
    throw new TsdError("invalid_argument", `invalid CIDR address: ${text}`);
  }
  return subnetOf(address, prefix);
}

/** Returns the block with this prefix length that contains the address. */
export function subnetOf({ family, value }: Address, prefix: number): Subnet {
  const rest = BigInt(BITS[family] - prefix);
  return { family, base: value >> rest << rest, prefix };
}

/** Formats a subnet in CIDR notation. */
export const formatSubnet = ({ family, base, prefix }: Subnet): string =>
  `${formatAddress({ family, value: base })}/${prefix}`;

/** Returns the number of addresses in a subnet. */
export const sizeOf = ({ family, prefix }: Subnet): bigint => 1n << BigInt(BITS[family] - prefix);

export const contains = (subnet: Subnet, { family, value }: Address): boolean =>
  family === subnet.family && value >= subnet.base && value < subnet.base + sizeOf(subnet);

/** Whether two subnets have addresses in common: one of them then contains the other. */
export const overlaps = (a: Subnet, b: Subnet): boolean =>
  a.family === b.family &&
  (contains(a, { family: b.family, value: b.base }) || contains(b, { family: a.family, value: a.base }));
