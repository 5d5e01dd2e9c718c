/**
 * @module
 * Encodes and decodes netlink(7) messages. Integers are in host byte order (little-endian on every architecture that
 * tsd supports) unless a protocol says otherwise. Pure.
 */

/** linux/netlink.h. */
const HEADER_BYTES = 16;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
export const NLM_F = { REQUEST: 1, ACK: 4, DUMP_INTR: 0x10, DUMP: 0x300, CREATE: 0x400 } as const;
const [NLMSG_ERROR, NLMSG_DONE] = [2, 3];

/** A decoded message. `portId` is the header's `nlmsg_pid`: the socket whose request caused it. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  readonly body: Uint8Array;
}

export interface MessageHead {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
}

/** Encodes a message from its header fields and the parts of its body. */
export function netlinkMessage({ type, flags, sequence }: MessageHead, ...body: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = joined(body);
  const bytes = new Uint8Array(padded(HEADER_BYTES + content.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, HEADER_BYTES + content.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(content, HEADER_BYTES);
  return bytes;
}

/** Encodes an attribute (`struct nlattr`), padded. */
export function attribute(type: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(padded(4 + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** Encodes an attribute that contains other attributes. */
export const nested = (type: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> =>
  attribute(type | NESTED, joined(parts));

/** Encodes a NUL-terminated string attribute. */
export const textAttribute = (type: number, text: string): Uint8Array<ArrayBuffer> =>
  attribute(type, new TextEncoder().encode(`${text}\0`));

/** Yields the messages of a received buffer. A truncated last message is dropped. */
export function* messagesIn(bytes: Uint8Array): Generator<NetlinkMessage> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      body: bytes.subarray(at + HEADER_BYTES, at + length),
    };
    at += padded(length);
  }
}

/** Returns the value of the first attribute of a type; undefined if there is none. */
export function attributeIn(bytes: Uint8Array, requested: number): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) return undefined;
    if ((view.getUint16(at + 2, true) & TYPE_MASK) === requested) return bytes.subarray(at + 4, at + length);
    at += padded(length);
  }
  return undefined;
}

/** Returns the errno of an acknowledgement (0: success or the end of a dump); undefined for other messages. */
export function errorOf({ type, body }: NetlinkMessage): number | undefined {
  if ((type !== NLMSG_ERROR && type !== NLMSG_DONE) || body.length < 4) return undefined;
  return -new DataView(body.buffer, body.byteOffset).getInt32(0, true);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const padded = (length: number): number => (length + 3) & ~3;
