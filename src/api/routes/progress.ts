/** Helpers for progress streams, whose work may fail after the head has been sent with status 200. */
import { toTsdError } from "../../errors.ts";
import type { ProgressMessage } from "../../api_types/mod.ts";

/** Appends an error to the stream as a message, as its status can't be changed any more. */
export async function* withErrorInBand<T>(messages: AsyncIterable<T>): AsyncGenerator<T | ProgressMessage> {
  try {
    yield* messages;
  } catch (thrown) {
    const { code, message } = toTsdError(thrown);
    yield { errorDetail: { message, tsdCode: code }, error: message };
  }
}

/**
 * Resolves when the first message is available, so that an error before it can still get a status. Yields all messages.
 */
export async function started<T>(messages: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const items = messages[Symbol.asyncIterator]();
  const first = await items.next();
  return continued(first, items);
}

async function* continued<T>(first: IteratorResult<T>, items: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    for (let next = first; !next.done; next = await items.next()) yield next.value;
  } finally {
    await items.return?.();
  }
}
