/** Names and types in a JSON value, one line each: `.State.Running: boolean`. */

/** @throws SyntaxError if the text is not JSON */
export function shapeOf(text: string): string {
  const found = new Set<string>();
  collect(JSON.parse(text), "", found);
  return [...found].sort().map((line) => `${line}\n`).join("");
}

/** Returns the lines of `expected` that `actual` lacks. If one is null, any type matches. */
export function missingShape(expected: readonly string[], actual: readonly string[]): string[] {
  const kinds = Map.groupBy(actual, pathOf);
  return expected.filter((line) => {
    const there = kinds.get(pathOf(line));
    if (there === undefined) return !isInsideNothing(line, actual);
    return !there.includes(line) && !line.endsWith(": null") && !there.some((each) => each.endsWith(": null"));
  });
}

const pathOf = (line: string): string => line.slice(0, line.lastIndexOf(": "));

/** An empty list or a missing object has no information on its elements. */
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
