/**
 * @module
 * Messages of netlink(7), made and taken apart. Numbers are in the machine's order (little-endian on every architecture
 * that tsd runs on), unless a protocol says otherwise. Pure.
 */

/** linux/netlink.h. */
const HEADER_BYTES = 16;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
export const NLM_F = { REQUEST: 1, ACK: 4, DUMP_INTR: 0x10, DUMP: 0x300, CREATE: 0x400 } as const;
const [NLMSG_ERROR, NLMSG_DONE] = [2, 3];

/** One message; its `nlmsg_pid` says whose request it is about. */
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

/** A message with everything that follows its header. */
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

/** An attribute (`struct nlattr`) with a value, padded. */
export function attribute(type: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(padded(4 + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** One that consists of others. */
export const nested = (type: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> =>
  attribute(type | NESTED, joined(parts));

/** A text with its NUL. */
export const textAttribute = (type: number, text: string): Uint8Array<ArrayBuffer> =>
  attribute(type, new TextEncoder().encode(`${text}\0`));

/** The messages that were received at once. What is cut off is left out. */
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

/** The value of the first attribute of a type; undefined where there is none. */
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

/** The errno of an answer (0: it was done, or told completely); undefined for other messages. */
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
