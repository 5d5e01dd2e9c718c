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
