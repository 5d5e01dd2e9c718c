import { TsdError } from "../../errors.ts";

/** One token of a pattern. A class must not be empty; an escaped character is literal. */
const STEP = /\*|\?|\[\^?(?:\\.|[^\\\]-])(?:\\.|[^\\\]])*\]|\\.|[^\\[]/gsuy;

/**
 * Compiles a pattern of Go's `path.Match`: `*` and `?` within one path element, classes (`[a-c]`, `[^x]`), and
 * backslash escapes.
 * @throws {TsdError} invalid_argument
 */
export function namePattern(pattern: string): (name: string) => boolean {
  let source = "";
  let end = 0;
  for (const { 0: step, index } of pattern.matchAll(STEP)) {
    source += translated(step);
    end = index + step.length;
  }
  const expression = end === pattern.length ? compiled(source) : undefined;
  if (expression === undefined) throw new TsdError("invalid_argument", `syntax error in pattern: ${pattern}`);
  return (name) => expression.test(name);
}

function translated(step: string): string {
  if (step === "*") return "[^/]*";
  if (step === "?") return "[^/]";
  if (!step.startsWith("[")) return literal(step.replace(/^\\/, ""));
  const [, not, members] = /^\[(\^?)(.*)\]$/su.exec(step) ?? [];
  const escaped = [...members.matchAll(/\\?(.)/gsu)].map(([text, char]) => text === "-" ? "-" : literal(char)).join("");
  return `(?!/)[${not}${escaped}]`;
}

const literal = (char: string): string =>
  /[\p{L}\p{N}\s]/u.test(char) ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`;

/** Returns undefined for a pattern that Go refuses too, such as `[b-a]`. */
function compiled(source: string): RegExp | undefined {
  try {
    return new RegExp(`^${source}$`, "su");
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
