/** Body of every response with a status of 400 and above. */
export interface ErrorResponse {
  message: string;
}

/**
 * Response header that tsd sends with {@link ErrorResponse}: the machine-readable error code (`src/errors.ts`), by
 * which tsd's client determines exit codes that an HTTP status alone can't carry. Docker's clients ignore it.
 */
export type ErrorCodeHeader = "Tsd-Error-Code";

/** The error in a stream of progress messages (`{"error":…}`), once the response has begun with status 200. */
export interface ErrorDetail {
  code?: number;
  message: string;
  /** tsd's extension: the machine-readable code, as in {@link ErrorCodeHeader}. */
  tsdCode?: string;
}
