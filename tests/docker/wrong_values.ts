/** Wrong bodies and paths, and the requirements on their responses. */
import { strict as assert } from "node:assert";
import { type ApiRequestOptions, ApiResponse, type EngineApi } from "../harness/mod.ts";
import { readAll } from "../images/mod.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Values to substitute for any other. */
export const VALUES: readonly Json[] = [
  ...[null, true, false, 0, -1, 1.5, 7, 2 ** 53, -(2 ** 40), 1e300],
  ...["", "x", "/", "..", "a\0b", "\ud800", "x".repeat(5000), "0", "%s%n", "a=b=c:d,e"],
  ...[[], [null], [1], ["x"], [""], [["x"]], [{}], [{ Type: 5, Path: [], Name: {} }]],
  ...[{}, { x: 1 }, { x: "y" }, { "": null }, { constructor: 1, toString: "x", length: -1 }],
];

/** The position of a nested value: property names and indices. */
type Place = readonly (string | number)[];

/** Yields the position of every nested value, without the value itself. */
export function* placesIn(value: Json, place: Place = []): Generator<Place> {
  if (place.length > 0) yield place;
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    yield* placesIn(inner, [...place, Array.isArray(value) ? Number(name) : name]);
  }
}

/** Returns the value with another one at the given position. */
export function replaced(value: Json, [first, ...rest]: Place, by: Json): Json {
  if (first === undefined) return by;
  if (Array.isArray(value)) return value.map((item, at) => at === first ? replaced(item, rest, by) : item);
  const inner = value as Readonly<Record<string, Json>>;
  return { ...inner, [first]: replaced(inner[first]!, rest, by) };
}

/** Checks that a request was accepted, or refused in one line without program internals. @throws AssertionError */
export function assertClear(response: ApiResponse, what: string): void {
  const { status } = response;
  if (status < 300 || status === 304) return;
  const shown = `${what}: ${status} ${response.text().slice(0, 500)}`;
  assert.ok((status >= 400 && status < 500) || status === 501, shown);
  const { message, ...rest } = response.json<{ message: string }>();
  assert.deepEqual(rest, {}, shown);
  assert.match(message, /^[^\n]+$/, shown);
  assert.doesNotMatch(message, /undefined|\[object|\.ts:|at file:|is not a function|Cannot read prop/, shown);
}

/** Segments to substitute in a path. */
export const SEGMENTS: readonly string[] = [
  ...["%00", "..%2f..%2fetc", "a%2Fb", "%F0%9F", "%E0%A4%A", "%", "__proto__", "constructor", "", ".", "%2e%2e", "%20"],
  ...["x".repeat(3000), "%0d%0aX:y", "sha256:", "sha256:zz", "@", "a@b", ":", "HOST/a:b:c", "%E2%80%AE"],
];

/** Returns the response, with the full body of an error; a continuing stream is closed. */
export async function ask(
  api: EngineApi,
  method: string,
  path: string,
  options: ApiRequestOptions = {},
): Promise<ApiResponse> {
  using stream = await api.stream(method, path, options);
  const body = stream.status < 400 || method === "HEAD" ? new Uint8Array() : await readAll(stream.chunks());
  return new ApiResponse(stream, body);
}

/** Returns what is wrong with a response. */
export const problemsOf = async (work: () => Promise<ApiResponse>, what: string): Promise<string[]> => {
  const response = await work();
  try {
    if (response.body.length > 0 || response.status < 400) assertClear(response, what);
    else assert.ok(response.status < 500, `${what}: ${response.status}`);
    return [];
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error;
    return [error.message];
  }
};
