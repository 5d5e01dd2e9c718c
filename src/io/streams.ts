/**
 * @module
 * Building blocks of byte streams. All are pull-based: nothing is read before the reader asks for it, and cancelling
 * the result cancels the source.
 */
import { type ErrorCode, toTsdError, TsdError } from "../errors.ts";

/** Observes a stream. An error thrown from any method ends the stream and cancels the source. */
export interface Inspector {
  /** Called before the first byte. */
  begin?(): void | Promise<void>;
  /** Called with each chunk before it is passed on. Must not keep or change it. */
  chunk(bytes: Uint8Array): void;
  /** Called at the end of the source, before the reader sees the end. */
  end?(): void | Promise<void>;
}

/** Returns the same bytes, after `inspector` has seen each chunk. */
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
 * Cancels a source because of an error that is already being reported. Ignores the result: a source that itself failed
 * rejects with its stored error, which the reported one equals or explains better.
 */
export async function cancelQuietly(
  source: { cancel(reason?: unknown): Promise<void> },
  reason: unknown,
): Promise<void> {
  await Promise.allSettled([source.cancel(reason)]);
}

/** @throws {TsdError} cancelled or timeout, if `signal` is aborted */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw toTsdError(signal.reason);
}

/**
 * Awaits `promise` until `signal` aborts. The work behind the promise continues.
 * @throws {TsdError} cancelled or timeout
 */
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

/**
 * Returns the same bytes until `signal` aborts; then the stream errors with `cancelled` (or `timeout`) at once, even
 * during a read.
 */
export function cancellable(source: ReadableStream<Uint8Array>, signal?: AbortSignal): ReadableStream<Uint8Array> {
  if (signal === undefined) return source;
  const reader = source.getReader();
  // Rejects the pending read. No promise lives as long as the stream: it would retain every chunk until its end.
  let interrupt: ((error: TsdError) => void) | undefined;
  const stop = () => {
    const error = toTsdError(signal.reason);
    interrupt?.(error);
    void cancelQuietly(reader, error);
  };
  const removeListener = () => signal.removeEventListener("abort", stop);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        throwIfCancelled(signal);
        const read = Promise.withResolvers<ReadableStreamReadResult<Uint8Array>>();
        interrupt = read.reject;
        reader.read().then(read.resolve, read.reject);
        const { done, value } = await read.promise;
        throwIfCancelled(signal);
        if (!done) return controller.enqueue(value);
        removeListener();
        controller.close();
      } catch (error) {
        removeListener();
        throw error;
      }
    },
    cancel(reason) {
      removeListener();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** Returns a stream of one chunk (none, if it is empty). */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

/**
 * Reads a small stream completely.
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

/** Joins chunks into a new array. */
export function concatenated(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
