/** Sends a response, with the connection's faults. */
import { bytesOf, concat } from "../images/bytes.ts";
import type { ConnectionFault, Fault } from "./faults.ts";
import { encodeHead, writeAll } from "./http_exchange.ts";
import type { Reply } from "./reply.ts";

/** Whether the connection can be used for another request. */
export type AfterReply = "keep" | "close";

/** Sends the response (only its head if `headOnly`). Pauses end early when `stopping` fires. */
export async function send(
  connection: Deno.Conn,
  reply: Reply,
  faults: readonly Fault[],
  headOnly: boolean,
  stopping: AbortSignal,
): Promise<AfterReply> {
  for (const fault of faults) {
    if (fault.fault === "close") return "close";
    if (fault.fault === "delay") await pause(fault.ms, stopping);
    if (fault.fault === "hang") return await pause(Infinity, stopping);
    if (fault.fault === "garbage") {
      await writeAll(connection, bytesOf(fault.bytes));
      return "close";
    }
  }
  const headers = headersOf(reply);
  await writeAll(connection, encodeHead(reply.status, headers));
  if (headOnly) return "keep";
  const whole = await sendBody(connection, reply, faults, stopping);
  const lies = !reply.chunked && headers["content-length"] !== String(reply.sizeBytes);
  return whole && !lies ? "keep" : "close";
}

function headersOf(reply: Reply): Record<string, string> {
  const all: Record<string, string | null> = { ...reply.headers };
  if (reply.chunked) all["transfer-encoding"] = "chunked";
  else all["content-length"] ??= reply.headers["content-length"] === null ? null : String(reply.sizeBytes);
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
}

async function sendBody(
  connection: Deno.Conn,
  reply: Reply,
  faults: readonly Fault[],
  stopping: AbortSignal,
): Promise<boolean> {
  const dropAfter = find(faults, "drop")?.afterBytes ?? Infinity;
  const rate = find(faults, "slow")?.bytesPerSecond;
  let sentBytes = 0;
  for await (const chunk of paced(reply.open(), rate, stopping)) {
    const part = chunk.subarray(0, Math.max(0, dropAfter - sentBytes));
    sentBytes += part.length;
    await writeAll(connection, reply.chunked ? chunkOf(part) : part);
    if (sentBytes >= dropAfter) return false;
    if (stopping.aborted) return false;
  }
  if (reply.chunked) await writeAll(connection, bytesOf("0\r\n\r\n"));
  return true;
}

/** Splits chunks into pieces of a tenth of a second; passes them unchanged without a rate. */
async function* paced(
  chunks: AsyncIterable<Uint8Array>,
  bytesPerSecond: number | undefined,
  stopping: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (bytesPerSecond === undefined) return yield* chunks;
  const pieceBytes = Math.max(1, Math.floor(bytesPerSecond / 10));
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      yield chunk.subarray(at, at + pieceBytes);
      await pause(pieceBytes * 1000 / bytesPerSecond, stopping);
    }
  }
}

function chunkOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes; // An empty chunk would end the body.
  return concat([bytesOf(`${bytes.length.toString(16)}\r\n`), bytes, bytesOf("\r\n")]);
}

function find<Kind extends ConnectionFault["fault"]>(
  faults: readonly Fault[],
  kind: Kind,
): Extract<Fault, { fault: Kind }> | undefined {
  return faults.find((fault): fault is Extract<Fault, { fault: Kind }> => fault.fault === kind);
}

function pause(ms: number, stopping: AbortSignal): Promise<"close"> {
  if (stopping.aborted) return Promise.resolve("close");
  return new Promise((resolve) => {
    const timer = ms === Infinity ? undefined : setTimeout(done, ms);
    stopping.addEventListener("abort", done);
    function done(): void {
      clearTimeout(timer);
      stopping.removeEventListener("abort", done);
      resolve("close");
    }
  });
}
