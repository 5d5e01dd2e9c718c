/** Byte helpers of the image builders. Names in archives are bytes; a string stands for its UTF-8 encoding. */
import { createHash } from "node:crypto";

export type Bytes = Uint8Array<ArrayBuffer>;
export type Text = string | Uint8Array;

const ENCODER = new TextEncoder();

/** Returns `text` as bytes (UTF-8 if it is a string). */
export function bytesOf(text: Text): Bytes {
  return typeof text === "string" ? ENCODER.encode(text) : new Uint8Array(text);
}

/** Concatenates all parts. */
export function concat(parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Returns `sha256:<hex>` of the bytes, by node:crypto. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Reads a stream to its end; only for streams known to be small. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return concat(parts);
}
