const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "\\": "\\", "'": "'", '"': '"' },
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/g;

/** Returns the value of a quoted or raw string of Go; undefined if it has an escape sequence that Go doesn't define. */
export function unquote(text: string): string | undefined {
  if (text.startsWith("`")) return text.slice(1, -1).replaceAll("\r", "");
  let valid = true;
  const value = text.slice(1, -1).replace(ESCAPE, (_, x, u, long, octal, char) => {
    const code = octal === undefined ? parseInt(x ?? u ?? long ?? "NaN", 16) : parseInt(octal, 8);
    if (char === undefined && code <= 0x10ffff) return String.fromCodePoint(code);
    if (char === undefined || !Object.hasOwn(ESCAPES, char)) valid = false;
    return ESCAPES[char] ?? "";
  });
  return valid ? value : undefined;
}

/** Returns the value of a number or a character constant of Go; undefined if it is neither. */
export function parseNumber(text: string): number | undefined {
  if (text.startsWith("'")) {
    const chars = [...unquote(text) ?? ""];
    return chars.length === 1 ? chars[0].codePointAt(0) : undefined;
  }
  const sign = text.startsWith("-") ? -1 : 1;
  const digits = text.replace(/^[+-]/, "").replaceAll("_", "");
  const value = /^0[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number(digits);
  return Number.isNaN(value) ? undefined : sign * value;
}
