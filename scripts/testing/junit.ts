/** Reads the JUnit report of `deno test --junit-path`, which is the one machine-readable report that Deno writes. */

export interface TestCase {
  /** A step's name is "test > step". */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Where the test is declared: "12:6". */
  readonly position: string;
  /** The error with its stack; "" unless it failed. */
  readonly failure: string;
}

const CASE = /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const FAILURE = /<(?:failure|error)\b[^>]*?(?:\/>|>([\s\S]*?)<\/(?:failure|error)>)/;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** All cases of a report, in order, steps included. */
export function parseJunit(xml: string): TestCase[] {
  return [...xml.matchAll(CASE)].map(([, head = "", body = ""]) => {
    const failure = FAILURE.exec(body);
    return {
      name: attribute(head, "name"),
      outcome: failure !== null ? "failed" : body.includes("<skipped") ? "skipped" : "passed",
      position: `${attribute(head, "line")}:${attribute(head, "col")}`,
      failure: unescape(failure?.[1] ?? "").trim(),
    };
  });
}

function attribute(head: string, name: string): string {
  return unescape(new RegExp(`\\b${name}="([^"]*)"`).exec(head)?.[1] ?? "");
}

function unescape(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(parseInt(decimal, 10));
    return ENTITIES[name ?? ""] ?? whole;
  });
}
