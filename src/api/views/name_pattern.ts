import { TsdError } from "../../errors.ts";

/** One step of a pattern; a class may not be empty, and what is escaped stands for itself. */
const STEP = /\*|\?|\[\^?(?:\\.|[^\\\]-])(?:\\.|[^\\\]])*\]|\\.|[^\\[]/gsuy;

/**
 * Go's `path.Match`: `*` and `?` within one part of a path, classes (`[a-c]`, `[^x]`), and a backslash before what is
 * meant as it is. @throws {TsdError} invalid_argument
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

/** Undefined for what Go refuses too: `[b-a]`. */
function compiled(source: string): RegExp | undefined {
  try {
    return new RegExp(`^${source}$`, "su");
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
