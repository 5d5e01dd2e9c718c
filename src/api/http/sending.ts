/** Sends the bytes of a streamed answer, no faster than the client takes them. */
import type { ServerResponse } from "node:http";

/** Ends with the body, or when the client is gone: then the body is told by its end of iteration. */
export async function sendAll(
  body: AsyncIterable<Uint8Array>,
  response: ServerResponse,
  disconnected: AbortSignal,
): Promise<void> {
  for await (const chunk of body) {
    if (disconnected.aborted) break;
    if (!response.write(chunk)) await drained(response, disconnected);
  }
  response.end();
}

function drained(response: ServerResponse, disconnected: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (disconnected.aborted) return resolve();
    const done = () => {
      response.off("drain", done);
      disconnected.removeEventListener("abort", done);
      resolve();
    };
    response.on("drain", done);
    disconnected.addEventListener("abort", done);
  });
}
