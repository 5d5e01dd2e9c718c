/** Sends the bytes of a streamed response with backpressure. */
import type { ServerResponse } from "node:http";

/** Sends the body until its end or until the client disconnects, which ends the iteration of the body. */
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
