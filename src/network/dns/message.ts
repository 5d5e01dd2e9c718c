/**
 * @module
 * DNS messages (RFC 1035, EDNS: RFC 6891) on top of dns-packet. A query comes from a container and is not trusted.
 */
import { Buffer } from "node:buffer";
import packet from "dns-packet";

export type Transport = "udp" | "tcp";

/** A parsed query that can be answered. */
export interface Query {
  readonly bytes: Uint8Array;
  readonly id: number;
  readonly name: string;
  /** `A`, `AAAA`, `PTR` …; `UNKNOWN_65280` for types without a name. */
  readonly type: string;
  /** Offset in `bytes` at which the question section ends. */
  readonly questionEnd: number;
  /** Maximum size of the answer in bytes. */
  readonly sizeLimit: number;
  readonly hasOptions: boolean;
}

/** A resource record, without the name, class and TTL that all records of an answer share. */
export type Record =
  | { readonly type: "A" | "AAAA"; readonly address: string }
  | { readonly type: "PTR"; readonly name: string };

export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
export type Rcode = typeof RCODE[keyof typeof RCODE];

const HEADER_BYTES = 12;
const FLAG = { QR: 0x8000, TC: 0x0200, RD: 0x0100, RA: 0x0080, CD: 0x0010 } as const;
const OPCODE = 0x7800;
/** Size limits in bytes: UDP without EDNS; UDP with EDNS, the size that avoids IP fragmentation; TCP. */
const [PLAIN_BYTES, EDNS_BYTES, TCP_BYTES] = [512, 1232, 65_535];
/** In seconds, as in Docker's DNS server. */
const TTL = 600;

/** The decoded message of dns-packet, as far as it is used here. */
interface Decoded {
  readonly questions: readonly { readonly name: string; readonly type: string; readonly class: string }[];
  readonly additionals: readonly { readonly type: string; readonly udpPayloadSize?: number; ednsVersion?: number }[];
}

/**
 * Parses a message. Returns the query, or the error response to an invalid one, or undefined if no response is due
 * because the message is a response itself or too short.
 */
export function parseQuery(bytes: Uint8Array, transport: Transport): Query | Uint8Array | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  if (flags & FLAG.QR) return undefined;
  if (flags & OPCODE) return refusal(bytes, RCODE.NOTIMP);
  let decoded: Decoded;
  let questionEnd: number;
  try {
    if (view.getUint16(4) !== 1 || view.getUint16(6) !== 0) return refusal(bytes, RCODE.FORMERR);
    packet.question.decode(bytesOf(bytes), HEADER_BYTES);
    questionEnd = HEADER_BYTES + packet.question.decode.bytes;
    decoded = packet.decode(bytesOf(bytes));
  } catch (thrown) {
    // The library reports malformed messages by several types of error; the response is the same.
    if (!(thrown instanceof Error)) throw thrown;
    return refusal(bytes, RCODE.FORMERR);
  }
  const [question] = decoded.questions;
  const options = decoded.additionals.find(({ type }) => type === "OPT");
  if (question === undefined || question.class !== "IN") return refusal(bytes, RCODE.REFUSED);
  const given = options?.udpPayloadSize ?? PLAIN_BYTES;
  const udpLimit = options === undefined ? PLAIN_BYTES : Math.min(Math.max(given, PLAIN_BYTES), EDNS_BYTES);
  const query: Query = {
    bytes,
    id: view.getUint16(0),
    name: question.name,
    type: question.type,
    questionEnd,
    sizeLimit: transport === "tcp" ? TCP_BYTES : udpLimit,
    hasOptions: options !== undefined,
  };
  return options?.ednsVersion ? reply(query, RCODE.BADVERS) : query;
}

/** Encodes an answer. If not all records fit, it has as many as fit and is marked as truncated. */
export function reply(query: Query, rcode: Rcode, records: readonly Record[] = []): Uint8Array {
  const whole = encode(query, rcode, records, 0);
  if (whole.length <= query.sizeLimit) return whole;
  for (let count = records.length >> 1;; count >>= 1) {
    const part = encode(query, rcode, records.slice(0, count), FLAG.TC);
    if (part.length <= query.sizeLimit || count === 0) return part;
  }
}

function encode(query: Query, rcode: Rcode, records: readonly Record[], more: number): Uint8Array {
  const { bytes, id, name, hasOptions, questionEnd } = query;
  const requested = viewOf(bytes).getUint16(2) & (FLAG.RD | FLAG.CD);
  const rest: Uint8Array = packet.encode({
    type: "response",
    id,
    flags: requested | FLAG.RA | more | rcode & 0xf,
    answers: records.map((record) => ({
      ...{ name, type: record.type, class: "IN", ttl: TTL },
      data: record.type === "PTR" ? record.name : record.address,
    })),
    additionals: hasOptions
      ? [{ type: "OPT", name: ".", udpPayloadSize: EDNS_BYTES, extendedRcode: rcode >> 4, ednsVersion: 0, flags: 0 }]
      : [],
  });
  // The question section is copied as received, because not every name survives decoding.
  const whole = new Uint8Array(rest.length + questionEnd - HEADER_BYTES);
  whole.set(rest.subarray(0, HEADER_BYTES));
  whole.set(bytes.subarray(HEADER_BYTES, questionEnd), HEADER_BYTES);
  whole.set(rest.subarray(HEADER_BYTES), questionEnd);
  viewOf(whole).setUint16(4, 1);
  return whole;
}

/** Returns an error response that consists of the header alone, for messages that can't be parsed. */
function refusal(bytes: Uint8Array, rcode: Rcode): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(bytes.subarray(0, 2));
  const flags = viewOf(bytes).getUint16(2);
  viewOf(header).setUint16(2, FLAG.QR | flags & (OPCODE | FLAG.RD) | FLAG.RA | rcode);
  return header;
}

/**
 * Returns an upstream server's answer with the query's ID, cut down to its question section and marked as truncated if
 * it is too large.
 */
export function relayedAnswer(query: Query, answer: Uint8Array): Uint8Array {
  const fits = answer.length <= query.sizeLimit;
  const copy = answer.slice(0, fits ? answer.length : query.questionEnd);
  const view = viewOf(copy);
  view.setUint16(0, query.id);
  if (fits) return copy;
  view.setUint16(2, view.getUint16(2) | FLAG.TC);
  for (const count of [6, 8, 10]) view.setUint16(count, 0);
  return copy;
}

/** Returns the query with another ID, to send to an upstream server. */
export function withId({ bytes }: Query, id: number): Uint8Array {
  const copy = bytes.slice();
  viewOf(copy).setUint16(0, id);
  return copy;
}

/** Whether a message is the answer to that query, sent with this ID. */
export function answers(answer: Uint8Array, { bytes, questionEnd }: Query, id: number): boolean {
  if (answer.length < questionEnd) return false;
  const view = viewOf(answer);
  if (view.getUint16(0) !== id || !(view.getUint16(2) & FLAG.QR) || view.getUint16(4) !== 1) return false;
  // Servers may change the case of a name. Apart from letters, no two bytes differ by case only.
  const lower = (byte: number) => byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
  for (let at = HEADER_BYTES; at < questionEnd; at++) if (lower(answer[at]!) !== lower(bytes[at]!)) return false;
  return true;
}

export const isTruncated = (answer: Uint8Array): boolean => (viewOf(answer).getUint16(2) & FLAG.TC) !== 0;

export const rcodeOf = (answer: Uint8Array): number => viewOf(answer).getUint16(2) & 0xf;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** dns-packet needs the methods of Node's Buffer. */
const bytesOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
