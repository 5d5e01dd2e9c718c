/**
 * @module
 * The `Server-Timing` header (W3C, https://www.w3.org/TR/server-timing/): the phases of a request, then its total as
 * `engine`, in ms. Only for clients that send the header `Tsd-Timing`, which Docker's do not.
 */
import { listenToPhases } from "../../async/stopwatch.ts";
import type { RequestHead } from "./request_handler.ts";

/** The request header that enables it, with any value. */
const TIMING_HEADER = "tsd-timing";

/**
 * Runs `handle`. If the request asks for timing, `reported` is called with the header's value before the result is
 * returned.
 */
export async function serverTimed<T>(
  { headers }: Pick<RequestHead, "headers">,
  handle: () => T | Promise<T>,
  reported: (header: string) => void,
): Promise<T> {
  if (headers[TIMING_HEADER] === undefined) return await handle();
  const metrics: string[] = [];
  const beganMs = performance.now();
  const result = await listenToPhases(
    ({ name, ms }) => void metrics.push(metric(name, ms)),
    async () => await handle(),
  );
  reported([...metrics, metric("engine", performance.now() - beganMs)].join(", "));
  return result;
}

/** A name must be a token (RFC 9110 §5.6.2). */
const metric = (name: string, ms: number): string => `${name.replaceAll(/[^\w.-]/g, "_")};dur=${ms.toFixed(2)}`;
