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
