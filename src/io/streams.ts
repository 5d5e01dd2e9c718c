/**
 * @module
 * Small pieces that byte streams are built from. All pull: nothing is read before somebody asks for it, and cancelling
 * the result cancels the source.
 */
import { type ErrorCode, toTsdError, TsdError } from "../errors.ts";

/** Looks at what passes; throwing from any of them ends the stream with that error and cancels the source. */
export interface Inspector {
  /** Before the first byte. */
  begin?(): void | Promise<void>;
  /** Each chunk, before it is handed on. It must not be kept or changed. */
  chunk(bytes: Uint8Array): void;
  /** At the end of the source, before the reader sees that end. */
  end?(): void | Promise<void>;
}

/** The same bytes, each chunk shown to `inspector` first. */
export function inspected(source: ReadableStream<Uint8Array>, inspector: Inspector): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let started = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (!started) {
          started = true;
          await inspector.begin?.();
        }
        const { done, value } = await reader.read();
        if (done) {
          await inspector.end?.();
          controller.close();
        } else {
          inspector.chunk(value);
          controller.enqueue(value);
        }
      } catch (error) {
        await cancelQuietly(reader, error);
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/**
 * Gives up a source because of an error that is on its way to the caller already. A source that itself failed answers
 * with its own stored error, which that first error either is or explains better.
 */
export async function cancelQuietly(
  source: { cancel(reason?: unknown): Promise<void> },
  reason: unknown,
): Promise<void> {
  await Promise.allSettled([source.cancel(reason)]);
}

/** @throws {TsdError} cancelled or timeout, when `signal` has been aborted */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw toTsdError(signal.reason);
}

/** What `promise` gives, unless `signal` aborts first; the work behind the promise goes on. */
export async function untilCancelled<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  throwIfCancelled(signal);
  const { promise: cancelled, reject } = Promise.withResolvers<never>();
  const stop = () => reject(toTsdError(signal.reason));
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, cancelled]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The same bytes until `signal` aborts: then the reader gets `cancelled` (or `timeout`) at once, even while waiting. */
export function cancellable(source: ReadableStream<Uint8Array>, signal?: AbortSignal): ReadableStream<Uint8Array> {
  if (signal === undefined) return source;
  const reader = source.getReader();
  // Of the read that waits at the moment. No promise lives as long as the stream: it would hold every chunk until its end.
  let interrupt: ((error: TsdError) => void) | undefined;
  const stop = () => {
    const error = toTsdError(signal.reason);
    interrupt?.(error);
    void cancelQuietly(reader, error);
  };
  const leave = () => signal.removeEventListener("abort", stop);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        throwIfCancelled(signal);
        const waiting = Promise.withResolvers<ReadableStreamReadResult<Uint8Array>>();
        interrupt = waiting.reject;
        reader.read().then(waiting.resolve, waiting.reject);
        const { done, value } = await waiting.promise;
        throwIfCancelled(signal);
        if (!done) return controller.enqueue(value);
        leave();
        controller.close();
      } catch (error) {
        leave();
        throw error;
      }
    },
    cancel(reason) {
      leave();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** A stream of one chunk (none, when it is empty). */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

/**
 * Reads a small body whole.
 * @throws {TsdError} `code` (default payload_too_large) as soon as there are more than `maxBytes`
 */
export async function collectBytes(
  source: ReadableStream<Uint8Array>,
  { maxBytes, what, code = "payload_too_large" }: { maxBytes: number; what: string; code?: ErrorCode },
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of source) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw new TsdError(code, `Cannot read ${what}: it is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return concatenated(chunks);
}

/** Chunks joined into one array of their own. */
export function concatenated(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
