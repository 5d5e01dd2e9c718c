/** A response before it is sent, and the effect of content and head faults on it. */
import { bytesOf } from "../images/bytes.ts";
import type { Content } from "../images/content.ts";
import type { ContentFault, Fault } from "./faults.ts";
import type { HttpRequest } from "./http_exchange.ts";

export interface Reply {
  readonly status: number;
  /** Names in lower case; content-length is added on sending unless it is set. */
  readonly headers: Readonly<Record<string, string | null>>;
  readonly sizeBytes: number;
  open(): AsyncIterable<Uint8Array>;
  readonly chunked?: boolean;
}

/** What a fault needs to build a redirect. */
export interface ReplyContext {
  readonly request: HttpRequest;
  readonly otherUrl: string;
}

export function textReply(status: number, text: string, headers: Readonly<Record<string, string | null>> = {}): Reply {
  const bytes = bytesOf(text);
  return { status, headers: { "content-type": "application/json", ...headers }, ...inMemory(bytes) };
}

/** The error body of distribution-spec v1.1. */
export function errorReply(status: number, code: string, headers: Readonly<Record<string, string | null>> = {}): Reply {
  return textReply(status, JSON.stringify({ errors: [{ code, message: code.toLowerCase(), detail: null }] }), headers);
}

export function contentReply(content: Content): Reply {
  return {
    status: 200,
    headers: { "content-type": content.mediaType, "docker-content-digest": content.digest, "accept-ranges": "bytes" },
    sizeBytes: content.actualSizeBytes ?? content.sizeBytes,
    open: () => content.open(),
  };
}

/** Applies the faults of content and head to the correct reply. */
export function faultyReply(honest: Reply, faults: readonly Fault[], context: ReplyContext): Reply {
  let reply = honest;
  for (const fault of faults) if (isContentFault(fault)) reply = { ...reply, ...changedContent(reply, fault) };
  if (!faults.some((fault) => fault.fault === "ignore-range")) reply = ranged(reply, context.request.headers.range);
  for (const fault of faults) reply = changedHead(reply, fault, context);
  return reply;
}

type Body = Pick<Reply, "sizeBytes" | "open">;

function changedContent(body: Body, fault: ContentFault): Body {
  switch (fault.fault) {
    case "corrupt":
      return { sizeBytes: body.sizeBytes, open: () => flipped(body.open(), fault.atByte) };
    case "replace":
      return inMemory(bytesOf(fault.bytes));
    case "append": {
      const more = bytesOf(fault.bytes);
      return { sizeBytes: body.sizeBytes + more.length, open: () => appended(body.open(), more) };
    }
    case "shorten":
      return slice(body, 0, Math.max(0, body.sizeBytes - fault.byBytes));
  }
}

function changedHead(reply: Reply, fault: Fault, context: ReplyContext): Reply {
  switch (fault.fault) {
    case "status":
      return textReply(fault.status, fault.body ?? "", fault.headers);
    case "headers":
      return { ...reply, headers: { ...reply.headers, ...fault.set } };
    case "chunked":
      return { ...reply, chunked: true };
    case "redirect":
      return redirected(reply, fault, context);
    default:
      return reply;
  }
}

function redirected(
  reply: Reply,
  fault: Extract<Fault, { fault: "redirect" }>,
  { request, otherUrl }: ReplyContext,
): Reply {
  const hop = Number(request.query.get("hop") ?? 0);
  if (fault.to === "self" && hop >= (fault.hops ?? Infinity)) return reply;
  const own: Readonly<Record<string, string>> = {
    self: `${request.path}?hop=${hop + 1}`,
    other: `${otherUrl}${request.path}`,
  };
  return textReply(fault.status ?? 307, "", { location: own[fault.to] ?? fault.to });
}

function ranged(reply: Reply, range: string | undefined): Reply {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  if (reply.status !== 200 || from === undefined) return reply;
  const start = Number(from);
  const end = to ? Math.min(Number(to) + 1, reply.sizeBytes) : reply.sizeBytes;
  if (start >= end) return errorReply(416, "RANGE_INVALID", { "content-range": `bytes */${reply.sizeBytes}` });
  const headers = { ...reply.headers, "content-range": `bytes ${start}-${end - 1}/${reply.sizeBytes}` };
  return { ...reply, status: 206, headers, ...slice(reply, start, end) };
}

function inMemory(bytes: Uint8Array): Body {
  return { sizeBytes: bytes.length, open: () => ReadableStream.from([bytes]) };
}

function slice(body: Body, start: number, end: number): Body {
  return { sizeBytes: end - start, open: () => cut(body.open(), start, end) };
}

async function* cut(chunks: AsyncIterable<Uint8Array>, start: number, end: number): AsyncIterable<Uint8Array> {
  let at = 0;
  for await (const chunk of chunks) {
    if (at + chunk.length > start) yield chunk.subarray(Math.max(0, start - at), Math.min(chunk.length, end - at));
    at += chunk.length;
    if (at >= end) return;
  }
}

async function* flipped(chunks: AsyncIterable<Uint8Array>, atByte: number): AsyncIterable<Uint8Array> {
  let at = 0;
  for await (const chunk of chunks) {
    const here = atByte - at;
    at += chunk.length;
    yield here >= 0 && here < chunk.length ? chunk.map((byte, index) => index === here ? byte ^ 1 : byte) : chunk;
  }
}

async function* appended(chunks: AsyncIterable<Uint8Array>, more: Uint8Array): AsyncIterable<Uint8Array> {
  yield* chunks;
  yield more;
}

const CONTENT_FAULTS: readonly string[] = ["corrupt", "replace", "append", "shorten"];
function isContentFault(fault: Fault): fault is Extract<Fault, ContentFault> {
  return CONTENT_FAULTS.includes(fault.fault);
}
