import { ERROR_TABLE, type ErrorCode, TsdError } from "../errors.ts";
import type { ResponseHead } from "./http_message.ts";

/** Codes by status, for engines that don't name theirs in `Tsd-Error-Code`. */
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_argument",
  401: "unauthorized",
  403: "permission_denied",
  404: "not_found",
  409: "conflict",
  413: "payload_too_large",
  501: "not_implemented",
  503: "engine_unavailable",
  504: "timeout",
  507: "storage_full",
};

/** An error answer (`{"message":…}`) as an exception with the engine's own code where it gave one. */
export function engineError({ status, headers }: ResponseHead, body: string): TsdError {
  const message = messageIn(body) || `The engine answered ${status} without saying why`;
  const named = errorCode(headers.get("tsd-error-code"));
  if (named !== undefined) return new TsdError(named, message);
  return new TsdError(startFailure(message) ?? BY_STATUS[status] ?? "internal", message, { detail: { status } });
}

/** A code that the engine named, if this client knows it. */
export function errorCode(name: string | undefined): ErrorCode | undefined {
  return name !== undefined && Object.hasOwn(ERROR_TABLE, name) ? name as ErrorCode : undefined;
}

function messageIn(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message).trim();
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
  }
  return body.trim().split("\n", 1)[0]!.slice(0, 500);
}

/** Docker's own clients tell these two failures of a start by their text, so that is what a Docker engine offers. */
function startFailure(message: string): ErrorCode | undefined {
  if (/executable file not found|no such file or directory: unknown/.test(message)) return "command_not_found";
  if (/exec.*permission denied|is a directory: unknown/.test(message)) return "command_not_executable";
  return undefined;
}
