/** Names and kinds of what is in a JSON value, one line each: `.State.Running: boolean`. */

/** @throws SyntaxError when the text is no JSON */
export function shapeOf(text: string): string {
  const found = new Set<string>();
  collect(JSON.parse(text), "", found);
  return [...found].sort().map((line) => `${line}\n`).join("");
}

/** Lines of `expected` that `actual` lacks. Where one has nothing (null), any kind will do. */
export function missingShape(expected: readonly string[], actual: readonly string[]): string[] {
  const kinds = Map.groupBy(actual, pathOf);
  return expected.filter((line) => {
    const there = kinds.get(pathOf(line));
    if (there === undefined) return !isInsideNothing(line, actual);
    return !there.includes(line) && !line.endsWith(": null") && !there.some((each) => each.endsWith(": null"));
  });
}

const pathOf = (line: string): string => line.slice(0, line.lastIndexOf(": "));

/** A list that is empty, or an object that isn't there, says nothing about what would be inside. */
function isInsideNothing(line: string, actual: readonly string[]): boolean {
  return actual.some((each) => {
    const path = pathOf(each);
    return each.endsWith(": null") && line.startsWith(path) && line !== each && /^[.[]/.test(line.slice(path.length));
  });
}

function collect(value: unknown, path: string, found: Set<string>): void {
  if (Array.isArray(value)) {
    found.add(`${path}: list`);
    for (const item of value) collect(item, `${path}[]`, found);
  } else if (typeof value === "object" && value !== null) {
    found.add(`${path}: object`);
    for (const [name, inner] of Object.entries(value)) collect(inner, `${path}.${name}`, found);
  } else found.add(`${path}: ${value === null ? "null" : typeof value}`);
}
