/** Streams of progress whose work may fail after their head has said that all is well. */
import { toTsdError } from "../../errors.ts";
import type { ProgressMessage } from "../../api_types/mod.ts";

/** The head says 200 by now: what fails later is said in the stream. */
export async function* withErrorInBand<T>(messages: AsyncIterable<T>): AsyncGenerator<T | ProgressMessage> {
  try {
    yield* messages;
  } catch (thrown) {
    const { code, message } = toTsdError(thrown);
    yield { errorDetail: { message, tsdCode: code }, error: message };
  }
}

/** The same messages once the first of them has come: what fails before it has a status of its own. */
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
