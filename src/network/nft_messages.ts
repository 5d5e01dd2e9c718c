/**
 * @module
 * Requests to nf_tables over netlink (linux/netfilter/nf_tables.h) that are too frequent for an nft(8) process: changes
 * of map and set elements, lookups and removal of tables; and the notifications of changes. Pure.
 */
import { addressBytes, BITS, parseAddress, parseSubnet, sizeOf } from "./address.ts";
import {
  attribute,
  attributeIn,
  joined,
  nested,
  type NetlinkMessage,
  netlinkMessage,
  NLM_F,
  textAttribute,
} from "./netlink_message.ts";

import type { Protocol } from "./port.ts";

/** linux/netfilter/nfnetlink.h. */
const SUBSYSTEM = 10;
const [BATCH_BEGIN, BATCH_END] = [16, 17];
const NFPROTO_UNSPEC = 0;
/** Address families of tables; `inet` is IPv4 and IPv6. */
export const NFPROTO = { inet: 1, ip: 2, ip6: 10 } as const;
export type NftFamily = keyof typeof NFPROTO;
/** The `res_id` of nfnetlink batches. */
const BATCH_FOR_NFTABLES = SUBSYSTEM;
/** Bit mask of the multicast group NFNLGRP_NFTABLES, which changes are notified to. */
export const NFTABLES_GROUP = 1 << (7 - 1);

const MSG = {
  ...{ GETTABLE: 1, DELTABLE: 2, GETCHAIN: 4, GETRULE: 7 },
  ...{ NEWSETELEM: 12, DELSETELEM: 14, NEWGEN: 15 },
} as const;
const ATTRIBUTE = {
  /** A table's name, in messages about it or anything in it. */
  TABLE: 1,
  CHAIN_NAME: 3,
  CHAIN_POLICY: 5,
  RULE_CHAIN: 2,
  ELEMENTS_SET: 2,
  ELEMENTS: 3,
  ELEMENT: 1,
  ELEMENT_KEY: 1,
  ELEMENT_DATA: 2,
  ELEMENT_FLAGS: 3,
  ELEMENT_KEY_END: 10,
  DATA_VALUE: 1,
} as const;
/** NFT_SET_ELEM_INTERVAL_END: the element is the exclusive end of the preceding interval. */
const INTERVAL_END = 1;
/** Size of interface names in bytes (linux/if.h). */
const IFNAMSIZ = 16;
/** Elements in one message: an attribute's 16-bit length has room for these with a wide margin. */
const ELEMENTS_IN_A_MESSAGE = 256;

/** IP protocol numbers (netinet/in.h) by nft(8)'s names. */
export const PROTOCOL_NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** An element of a map or set in the syntax of nft(8): `tcp . 8080 : 172.17.0.2 . 80`, `172.17.0.0/16 . "tsd0"`. */
export interface MapElement {
  /** Name of the map or set. */
  readonly map: string;
  readonly text: string;
}

/** The changes of one transaction. */
export interface ElementChange {
  readonly table: string;
  readonly removed: readonly MapElement[];
  readonly added: readonly MapElement[];
}

/** Encodes a transaction as one batch. Each message requests an acknowledgement. */
export function elementBatch({ table, removed, added }: ElementChange): Uint8Array<ArrayBuffer> {
  const parts = [
    ...chunks(removed).map((some) => ({ type: MSG.DELSETELEM, flags: 0, some })),
    ...chunks(added).map((some) => ({ type: MSG.NEWSETELEM, flags: NLM_F.CREATE, some })),
  ];
  return batch(parts.map(({ type, flags, some }, at) => {
    const keysOnly = type === MSG.DELSETELEM;
    const elements = some.flatMap(({ text }) => encoded(text, keysOnly)).map((parts) =>
      nested(ATTRIBUTE.ELEMENT, ...parts)
    );
    return message(type, flags | NLM_F.ACK, at + 1, [
      textAttribute(ATTRIBUTE.TABLE, table),
      textAttribute(ATTRIBUTE.ELEMENTS_SET, some[0]!.map),
      nested(ATTRIBUTE.ELEMENTS, ...elements),
    ]);
  }));
}

/** Encodes the removal of one of our tables. */
export const tableRemoval = (table: string): Uint8Array<ArrayBuffer> =>
  batch([message(MSG.DELTABLE, NLM_F.ACK, 1, [textAttribute(ATTRIBUTE.TABLE, table)])]);

/** Encodes a lookup of one of our tables. The answer is the table, or the error ENOENT. */
export const tableQuestion = (table: string): Uint8Array<ArrayBuffer> =>
  message(MSG.GETTABLE, NLM_F.ACK, 1, [textAttribute(ATTRIBUTE.TABLE, table)]);

/** A chain, possibly another program's. */
export interface ChainName {
  readonly family: NftFamily;
  readonly table: string;
  readonly chain: string;
}

/** Encodes a lookup of a chain. The answer is the chain, or the error ENOENT. */
export function chainQuestion({ family, table, chain }: ChainName): Uint8Array<ArrayBuffer> {
  const names = [textAttribute(ATTRIBUTE.TABLE, table), textAttribute(ATTRIBUTE.CHAIN_NAME, chain)];
  return message(MSG.GETCHAIN, NLM_F.ACK, 1, names, family);
}

/** Whether a message describes a base chain with the policy `drop`. */
export function isDroppingChain({ type, body }: NetlinkMessage): boolean {
  if (type >> 8 !== SUBSYSTEM) return false;
  const policy = attributeIn(body.subarray(4), ATTRIBUTE.CHAIN_POLICY);
  return policy !== undefined && policy.every((byte) => byte === 0);
}

/** Encodes a dump of all rules of a chain. */
export function rulesQuestion({ family, table, chain }: ChainName): Uint8Array<ArrayBuffer> {
  const names = [textAttribute(ATTRIBUTE.TABLE, table), textAttribute(ATTRIBUTE.RULE_CHAIN, chain)];
  return message(MSG.GETRULE, NLM_F.DUMP, 1, names, family);
}

/** A notification of the kernel: a change in a table, or the end of a transaction. */
export type RuleNotice = { readonly table: string } | "end";

/** Decodes a notification; undefined for answers and other messages. */
export function ruleNotice({ type, body }: NetlinkMessage): RuleNotice | undefined {
  if (type >> 8 !== SUBSYSTEM) return undefined;
  if ((type & 0xff) === MSG.NEWGEN) return "end";
  const name = attributeIn(body.subarray(4), ATTRIBUTE.TABLE);
  return name === undefined ? undefined : { table: new TextDecoder().decode(name).replace(/\0.*$/s, "") };
}

function batch(messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bound = (type: number, sequence: number) =>
    netlinkMessage({ type, flags: NLM_F.REQUEST, sequence }, general(NFPROTO_UNSPEC, BATCH_FOR_NFTABLES));
  return joined([bound(BATCH_BEGIN, 0), ...messages, bound(BATCH_END, messages.length + 1)]);
}

function message(
  type: number,
  flags: number,
  sequence: number,
  attributes: Uint8Array[],
  family: NftFamily = "inet",
): Uint8Array<ArrayBuffer> {
  const head = { type: (SUBSYSTEM << 8) | type, flags: NLM_F.REQUEST | flags, sequence };
  return netlinkMessage(head, general(NFPROTO[family], 0), ...attributes);
}

/** `struct nfgenmsg`. */
const general = (family: number, resource: number): Uint8Array =>
  new Uint8Array([family, 0, resource >> 8, resource & 0xff]);

/**
 * Encodes an element as one or two kernel elements: a key that is a subnet alone is an interval's start and its
 * exclusive end.
 */
function encoded(text: string, keyOnly: boolean): Uint8Array[][] {
  const [key = "", data] = text.split(" : ");
  const part = (type: number, fields: readonly Uint8Array[]) =>
    nested(type, attribute(ATTRIBUTE.DATA_VALUE, joined(fields)));
  const ranges = key.split(" . ").map(range);
  const first = part(ATTRIBUTE.ELEMENT_KEY, ranges.map(({ first }) => first));
  if (!key.includes("/")) {
    const given = data === undefined || keyOnly ? [] : data.split(" . ").map(field);
    return [given.length === 0 ? [first] : [first, part(ATTRIBUTE.ELEMENT_DATA, given)]];
  }
  if (ranges.length > 1) return [[first, part(ATTRIBUTE.ELEMENT_KEY_END, ranges.map(({ last }) => last))]];
  const flags = attribute(ATTRIBUTE.ELEMENT_FLAGS, new Uint8Array([0, 0, 0, INTERVAL_END]));
  // An interval that ends with the last address has no end element.
  return [[first], ...ranges.flatMap(({ next }) => next ? [[part(ATTRIBUTE.ELEMENT_KEY, [next]), flags]] : [])];
}

interface Range {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  /** The address after the last one; undefined if there is none. */
  readonly next: Uint8Array | undefined;
}

/** Encodes one part of a key, which may be a subnet. A part occupies as many 4-byte registers as it needs. */
function range(word: string): Range {
  if (!word.includes("/")) return { first: field(word), last: field(word), next: undefined };
  const subnet = parseSubnet(word);
  const { family, base } = subnet;
  const bytes = (value: bigint) => addressBytes({ family, value });
  const end = base + sizeOf(subnet);
  return { first: bytes(base), last: bytes(end - 1n), next: end >> BigInt(BITS[family]) ? undefined : bytes(end) };
}

function field(word: string): Uint8Array {
  if (word.startsWith('"')) {
    const name = new Uint8Array(IFNAMSIZ);
    name.set(new TextEncoder().encode(word.slice(1, -1)));
    return name;
  }
  const number = Object.entries(PROTOCOL_NUMBERS).find(([name]) => name === word)?.[1];
  if (number !== undefined) return new Uint8Array([number, 0, 0, 0]);
  if (/^\d+$/.test(word)) return new Uint8Array([Number(word) >> 8, Number(word) & 0xff, 0, 0]);
  return addressBytes(parseAddress(word)!);
}

/** Splits elements into messages, each of one map or set. */
function chunks(elements: readonly MapElement[]): MapElement[][] {
  const byMap = Map.groupBy(elements, ({ map }) => map);
  return [...byMap.values()].flatMap((all) =>
    Array.from(
      { length: Math.ceil(all.length / ELEMENTS_IN_A_MESSAGE) },
      (_, at) => all.slice(at * ELEMENTS_IN_A_MESSAGE, (at + 1) * ELEMENTS_IN_A_MESSAGE),
    )
  );
}
