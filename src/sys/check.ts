/**
 * @module
 * Converts the result of a libc call to a value or a {@link SysError}. Each function reads errno at once, so pass the
 * call itself as argument: nothing may run between the two.
 */
import { type CString, cText } from "./cstring.ts";
import { errnoOf, SysError } from "./errno.ts";
import { errno } from "./libc.ts";

const EAGAIN = errnoOf("EAGAIN");
const EINTR = errnoOf("EINTR");

/** What a call operated on, for its error message: a name, or a descriptor. */
export type Subject = CString | string | number;

/** Returns `result` as a number. @throws {SysError} when it is negative */
export function checked(result: number | bigint, call: string, subject?: Subject): number {
  return result < 0 ? failed(errno(), call, subject) : Number(result);
}

/** How often a transient EAGAIN is retried. */
const EAGAIN_MAX_ATTEMPTS = 16;

/**
 * Runs `call` again while a signal interrupts it, and a few times for EAGAIN. None of the calls made through this
 * function has a lasting EAGAIN, but under load opening a file failed with it once in many thousand times.
 * @throws {SysError}
 */
export function uninterrupted(call: () => number | bigint, name: string, subject?: Subject): number {
  for (let attempt = 1;;) {
    const result = call();
    if (result >= 0) return Number(result);
    const code = errno();
    if (code !== EINTR && (code !== EAGAIN || attempt++ === EAGAIN_MAX_ATTEMPTS)) failed(code, name, subject);
  }
}

/** Like {@link uninterrupted}, but returns "again" for EAGAIN: a non-blocking descriptor has no data or no room. */
export function unblocked(call: () => number | bigint, name: string, subject?: Subject): number | "again" {
  for (;;) {
    const result = call();
    if (result >= 0) return Number(result);
    const code = errno();
    if (code === EAGAIN) return "again";
    if (code !== EINTR) failed(code, name, subject);
  }
}

/** Throws a {@link SysError}. @throws {SysError} always */
export function failed(code: number, call: string, subject?: Subject, note?: string): never {
  throw new SysError(call, code, { subject: subject === undefined ? undefined : subjectText(subject), note });
}

function subjectText(subject: Subject): string {
  if (typeof subject === "string") return subject;
  return typeof subject === "number" ? `fd ${subject}` : cText(subject);
}
