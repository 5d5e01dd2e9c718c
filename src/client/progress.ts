import type { ProgressMessage } from "../api_types/mod.ts";
import { type ErrorCode, TsdError } from "../errors.ts";
import { errorCode } from "./engine_error.ts";
import { jsonLines } from "./json_lines.ts";
import type { ByteSource } from "./transport.ts";

/** Receives messages of progress. */
export type ProgressListener = (message: ProgressMessage) => void | Promise<void>;

/** An error that a stream of messages reports, after its status was sent. */
export type ReportedError = Pick<ProgressMessage, "error" | "errorDetail">;

/**
 * Yields the messages of a stream of progress.
 * @param fallback the code of a reported error without one
 * @throws {TsdError} the error that the stream reports
 */
export async function* progressMessages<T extends ReportedError = ProgressMessage>(
  body: ByteSource,
  fallback: ErrorCode,
): AsyncGenerator<T> {
  for await (const message of jsonLines<T>(body)) {
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new TsdError(errorCode(message.errorDetail?.tsdCode) ?? fallback, failure);
    yield message;
  }
}
