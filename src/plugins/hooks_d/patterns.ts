/**
 * @module
 * Translates the regular expressions of hooks.d files from Go's syntax (RE2). What JavaScript does not support is
 * refused.
 */
import { TsdError } from "../../errors.ts";

/** POSIX character classes as JavaScript ranges. */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: "a-zA-Z0-9",
  alpha: "a-zA-Z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  digit: "0-9",
  lower: "a-z",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "\\w",
  xdigit: "0-9a-fA-F",
};

/**
 * Compiles a Go pattern.
 * @throws {TsdError} invalid_argument
 */
export function goPattern(text: string): RegExp {
  const [, flags = "", rest = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? [];
  const source = rest
    .replace(/\\A/g, "(?<![\\s\\S])")
    .replace(/\\z/g, "(?![\\s\\S])")
    .replace(/\(\?P</g, "(?<")
    .replace(/\[:(\w+):\]/g, (whole, name: string) => CLASSES[name] ?? whole);
  try {
    return new RegExp(source, flags);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw new TsdError("invalid_argument", `${JSON.stringify(text)} is no regular expression that is known here`, {
      cause: thrown,
    });
  }
}
