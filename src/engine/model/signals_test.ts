import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { parseSignal } from "./signals.ts";

Deno.test("names with and without SIG, in any case, and numbers", () => {
  const cases: [string, number][] = [
    ...[["HUP", 1], ["SIGINT", 2], ["sigkill", 9], ["usr1", 10], ["TERM", 15], ["SIGWINCH", 28], ["SYS", 31]],
    ...[["1", 1], ["64", 64], [" 15 ", 15], ["IOT", 6], ["CLD", 17], ["POLL", 29]],
    ...[["RTMIN", 34], ["SIGRTMIN+3", 37], ["RTMAX", 64], ["rtmax-14", 50], ["RTMIN+30", 64]],
  ] as [string, number][];
  for (const [text, number] of cases) assert.equal(parseSignal(text), number, text);
});

Deno.test("invalid signals are refused with Docker's texts", () => {
  for (const number of [65, -9]) {
    const message = `the linux daemon does not support signal ${number}`;
    assert.throws(() => parseSignal(String(number)), { code: "invalid_argument", message });
  }
  for (const text of ["", "0", "9.5", "NOPE", "RTMIN-1", "RTMAX+1", "RTMIN+31", "SIG", "KILL;"]) {
    assert.throws(
      () => parseSignal(text),
      (thrown) =>
        isTsdError(thrown, "invalid_argument") &&
        thrown.message.toLowerCase() === `invalid signal: ${text}`.toLowerCase(),
      text,
    );
  }
});
