/** Sends the bytes of a streamed answer, no faster than the client takes them. */
import type { ServerResponse } from "node:http";

/** Ends with the body, or when the client is gone: then the body is told by its end of iteration. */
export async function sendAll(
  body: AsyncIterable<Uint8Array>,
  response: ServerResponse,
  removed: AbortSignal,
): Promise<void> {
  for await (const chunk of body) {
    if (removed.aborted) break;
    if (!response.write(chunk)) await drained(response, removed);
  }
  response.end();
}

function drained(response: ServerResponse, removed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (removed.aborted) return resolve();
    const done = () => {
      response.off("drain", done);
      removed.removeEventListener("abort", done);
      resolve();
    };
    response.on("drain", done);
    removed.addEventListener("abort", done);
  });
}
