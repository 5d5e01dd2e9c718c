/**
 * @module
 * `Server-Timing` (W3C, https://www.w3.org/TR/server-timing/): the phases of a step and at last the whole of it, `engine`,
 * in ms. Only for clients that ask with the header `Tsd-Timing`; Docker's don't know either.
 */
import { listenToPhases } from "../../async/stopwatch.ts";
import type { RequestHead } from "./request_handler.ts";

/** The header that asks for it; any value will do. */
const TIMING_REQUESTED = "tsd-timing";

/** Runs `handle`; where the request asks for it, `told` is given the header's value before the result is. */
export async function serverTimed<T>(
  { headers }: Pick<RequestHead, "headers">,
  handle: () => T | Promise<T>,
  reported: (header: string) => void,
): Promise<T> {
  if (headers[TIMING_REQUESTED] === undefined) return await handle();
  const metrics: string[] = [];
  const beganMs = performance.now();
  const result = await listenToPhases(
    ({ name, ms }) => void metrics.push(metric(name, ms)),
    async () => await handle(),
  );
  reported([...metrics, metric("engine", performance.now() - beganMs)].join(", "));
  return result;
}

/** A name is a token (RFC 9110 §5.6.2). */
const metric = (name: string, ms: number): string => `${name.replaceAll(/[^\w.-]/g, "_")};dur=${ms.toFixed(2)}`;
