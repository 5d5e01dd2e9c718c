/**
 * @module
 * The errors of tsd: one class, and one total table that maps each code to its meaning for HTTP clients and shells. The
 * module formats no output and knows no transport. Invariant: every code has a row (omitting one does not compile).
 */

/** Meaning of a code: HTTP status of the Engine API, exit code of the CLI, and whether a retry may succeed. */
export interface ErrorMeaning {
  readonly http: number;
  readonly exit: number;
  readonly retryable: boolean;
}

const row = (http: number, exit: number, retryable = false): ErrorMeaning => ({ http, exit, retryable });

/**
 * The table `code → meaning`. Exit codes 125 to 127 follow `docker run` (docker/cli `run` reference, "Exit status").
 */
export const ERROR_TABLE = {
  // Errors of the caller.
  invalid_argument: row(400, 125),
  usage: row(400, 125),
  invalid_reference: row(400, 125),
  not_found: row(404, 1),
  page_not_found: row(404, 1),
  image_not_found: row(404, 125),
  container_not_found: row(404, 1),
  exec_not_found: row(404, 1),
  network_not_found: row(404, 1),
  ambiguous_id: row(400, 1),
  name_in_use: row(409, 125),
  conflict: row(409, 1),
  not_running: row(409, 1),
  not_modified: row(304, 0),
  not_implemented: row(501, 125),
  permission_denied: row(403, 1),
  unauthorized: row(401, 1),
  payload_too_large: row(413, 1),
  archive_invalid: row(500, 1),
  // Starting a process in a container.
  command_not_found: row(400, 127),
  command_not_executable: row(400, 126),
  not_a_directory: row(400, 125),
  user_unknown: row(400, 125),
  // Networks.
  port_in_use: row(500, 125, true),
  network_exhausted: row(503, 125),
  // Registries.
  registry_unreachable: row(500, 125, true),
  registry_denied: row(404, 125),
  registry_protocol: row(500, 125, true),
  manifest_unknown: row(404, 125),
  manifest_invalid: row(500, 125),
  platform_unavailable: row(404, 125),
  digest_mismatch: row(500, 125, true),
  size_mismatch: row(500, 125, true),
  layer_invalid: row(500, 125),
  layer_too_large: row(500, 125),
  // The host and the engine.
  engine_unavailable: row(503, 125, true),
  runtime_missing: row(500, 125),
  runtime_failed: row(500, 125),
  system_call: row(500, 125),
  storage: row(500, 125),
  storage_full: row(507, 125, true),
  cancelled: row(499, 130),
  timeout: row(504, 125, true),
  internal: row(500, 125),
} as const satisfies Record<string, ErrorMeaning>;

/** A machine-readable error code: a key of {@link ERROR_TABLE}. */
export type ErrorCode = keyof typeof ERROR_TABLE;

/** Additional information about an error, for programs: plain JSON values only. */
export type ErrorDetail = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Every failure that tsd reports. `message` is one line that says what was attempted and what is wrong; texts that
 * Docker's clients match stay verbatim.
 */
export class TsdError extends Error {
  override readonly name: string = "TsdError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { cause?: unknown; detail?: ErrorDetail } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.detail = options.detail;
  }

  readonly detail: ErrorDetail | undefined;

  get meaning(): ErrorMeaning {
    return ERROR_TABLE[this.code];
  }
}

/** Returns the first error, if a body and its cleanup both threw. */
export const firstThrown = (thrown: unknown): unknown =>
  thrown instanceof SuppressedError ? firstThrown(thrown.suppressed) : thrown;

/**
 * Converts any thrown value to a {@link TsdError}. A `SuppressedError` (a body and its cleanup both threw) is unwrapped
 * to the body's error, which is the one the user can act on. Aborts become `cancelled`, or `timeout`.
 */
export function toTsdError(thrown: unknown): TsdError {
  if (thrown instanceof SuppressedError) return toTsdError(firstThrown(thrown));
  if (thrown instanceof TsdError) return thrown;
  if (thrown instanceof DOMException && thrown.name === "AbortError") {
    return new TsdError("cancelled", "The operation was cancelled", { cause: thrown });
  }
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") {
    return new TsdError("timeout", "The operation took too long", { cause: thrown });
  }
  if (thrown instanceof Error) return new TsdError("internal", thrown.message || thrown.name, { cause: thrown });
  return new TsdError("internal", String(thrown), { cause: thrown });
}

/** Returns the same error with `prefix` and a colon before its message: what was attempted. */
export function prefixed(prefix: string, thrown: unknown): TsdError {
  const { code, message, detail } = toTsdError(thrown);
  return new TsdError(code, `${prefix}: ${message}`, { cause: thrown, ...(detail === undefined ? {} : { detail }) });
}

/** Returns whether `thrown` is a {@link TsdError} with one of these codes (any, if none is given). */
export function isTsdError(thrown: unknown, ...codes: ErrorCode[]): thrown is TsdError {
  return thrown instanceof TsdError && (codes.length === 0 || codes.includes(thrown.code));
}

/** An error as plain JSON, to cross a Worker or process boundary. */
export interface SerialisedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail?: ErrorDetail;
}

/** Converts a thrown value for `postMessage` or JSON; its cause is dropped. */
export function serialiseError(thrown: unknown): SerialisedError {
  const { code, message, detail } = toTsdError(thrown);
  return detail === undefined ? { code, message } : { code, message, detail };
}

/** Restores the error from the result of {@link serialiseError}. */
export function deserialiseError(data: SerialisedError): TsdError {
  return new TsdError(data.code, data.message, data.detail === undefined ? {} : { detail: data.detail });
}
