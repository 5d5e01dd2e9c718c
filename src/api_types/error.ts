/** Body of every response with a status of 400 and above. */
export interface ErrorResponse {
  message: string;
}

/**
 * Response header of tsd beside {@link ErrorResponse}: the machine-readable error code (`src/errors.ts`), so that tsd's own
 * client keeps exit codes that an HTTP status alone can't carry. Docker's clients ignore it.
 */
export type ErrorCodeHeader = "Tsd-Error-Code";

/** `{"error":…}` inside a stream of progress messages, when the response had already begun with 200. */
export interface ErrorDetail {
  code?: number;
  message: string;
  /** tsd's own: the machine-readable code, as in {@link ErrorCodeHeader}. */
  tsdCode?: string;
}
