/**
 * @module
 * Detects stalled and very slow servers. Only the time spent waiting for the network counts, not the reader's own time.
 */
import { TsdError } from "../../errors.ts";
import { cancelQuietly } from "../../io/mod.ts";
import type { RegistryLimits } from "./retry.ts";

/** Passes the bytes through; reading fails with {@link TsdError} timeout if the server stalls or is too slow. */
export function withStallDetection(
  body: ReadableStream<Uint8Array>,
  limits: Pick<RegistryLimits, "idleMs" | "idleBytes">,
  host: string,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let waitedMs = 0;
  let receivedBytes = 0;
  const stalled = () => {
    const seconds = Math.ceil(limits.idleMs / 1000);
    return new TsdError("timeout", `Registry ${host} sent only ${receivedBytes} bytes within ${seconds} s`);
  };
  const read = async () => {
    const startedMs = performance.now();
    const { value } = await withinMs(reader.read(), limits.idleMs, stalled);
    waitedMs += performance.now() - startedMs;
    receivedBytes += value?.length ?? 0;
    if (waitedMs >= limits.idleMs) {
      if (receivedBytes < limits.idleBytes && value !== undefined) throw stalled();
      waitedMs = 0;
      receivedBytes = 0;
    }
    return value;
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const value = await read();
        if (value === undefined) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        await cancelQuietly(reader, error);
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Passes the bytes through and calls `failed` if reading them fails. */
export function withFailureCallback(body: ReadableStream<Uint8Array>, failed: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value } = await reader.read();
        if (value === undefined) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        failed();
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

async function withinMs<T>(promise: Promise<T>, limitMs: number, timeoutError: () => Error): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(timeoutError()), limitMs);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
