/**
 * @module
 * From the result of a libc call to a value or a {@link SysError}. Each function reads errno at once, so the call has
 * to be its argument: nothing may run between the two.
 */
import { type CString, cText } from "./cstring.ts";
import { errnoOf, SysError } from "./errno.ts";
import { errno } from "./libc.ts";

const EAGAIN = errnoOf("EAGAIN");
const EINTR = errnoOf("EINTR");

/** What a call was made on, for its message: a name, or a descriptor. */
export type Subject = CString | string | number;

/** `result` as a number, unless it is negative. @throws SysError */
export function checked(result: number | bigint, call: string, subject?: Subject): number {
  return result < 0 ? failed(errno(), call, subject) : Number(result);
}

/** How often something is tried again of which the system says that it may come right by itself. */
const AGAIN_TRIES = 16;

/**
 * Runs `call` again for as long as a signal interrupts it, and a few times for EAGAIN: none of the calls that go through
 * here has a lasting one, but under load opening a file was seen to fail with it once in many thousand times.
 * @throws SysError
 */
export function uninterrupted(call: () => number | bigint, name: string, subject?: Subject): number {
  for (let attempt = 1;;) {
    const result = call();
    if (result >= 0) return Number(result);
    const code = errno();
    if (code !== EINTR && (code !== EAGAIN || attempt++ === AGAIN_TRIES)) failed(code, name, subject);
  }
}

/** As {@link uninterrupted}, with "again" for EAGAIN: a non-blocking descriptor has nothing to give or no room. */
export function unblocked(call: () => number | bigint, name: string, subject?: Subject): number | "again" {
  for (;;) {
    const result = call();
    if (result >= 0) return Number(result);
    const code = errno();
    if (code === EAGAIN) return "again";
    if (code !== EINTR) failed(code, name, subject);
  }
}

/** @throws SysError always */
export function failed(code: number, call: string, subject?: Subject, note?: string): never {
  throw new SysError(call, code, { subject: subject === undefined ? undefined : subjectText(subject), note });
}

function subjectText(subject: Subject): string {
  if (typeof subject === "string") return subject;
  return typeof subject === "number" ? `fd ${subject}` : cText(subject);
}
