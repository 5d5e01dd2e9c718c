/** Wrong bodies and paths, and what an answer to them has to be like. */
import { strict as assert } from "node:assert";
import { type ApiRequestOptions, ApiResponse, type EngineApi } from "../harness/mod.ts";
import { readAll } from "../images/mod.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** What may come in place of anything. */
export const VALUES: readonly Json[] = [
  ...[null, true, false, 0, -1, 1.5, 7, 2 ** 53, -(2 ** 40), 1e300],
  ...["", "x", "/", "..", "a\0b", "\ud800", "x".repeat(5000), "0", "%s%n", "a=b=c:d,e"],
  ...[[], [null], [1], ["x"], [""], [["x"]], [{}], [{ Type: 5, Path: [], Name: {} }]],
  ...[{}, { x: 1 }, { x: "y" }, { "": null }, { constructor: 1, toString: "x", length: -1 }],
];

/** Where something stands inside of a value: names and indices. */
type Place = readonly (string | number)[];

/** Every place in a value, the value itself left out. */
export function* placesIn(value: Json, place: Place = []): Generator<Place> {
  if (place.length > 0) yield place;
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    yield* placesIn(inner, [...place, Array.isArray(value) ? Number(name) : name]);
  }
}

/** The value with another one at a place. */
export function replaced(value: Json, [first, ...rest]: Place, by: Json): Json {
  if (first === undefined) return by;
  if (Array.isArray(value)) return value.map((item, at) => at === first ? replaced(item, rest, by) : item);
  const inner = value as Readonly<Record<string, Json>>;
  return { ...inner, [first]: replaced(inner[first]!, rest, by) };
}

/** Taken, or refused in one line that tells nothing of the inside of the program. @throws AssertionError */
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

/** What may stand in a path. */
export const SEGMENTS: readonly string[] = [
  ...["%00", "..%2f..%2fetc", "a%2Fb", "%F0%9F", "%E0%A4%A", "%", "__proto__", "constructor", "", ".", "%2e%2e", "%20"],
  ...["x".repeat(3000), "%0d%0aX:y", "sha256:", "sha256:zz", "@", "a@b", ":", "HOST/a:b:c", "%E2%80%AE"],
];

/** The answer, whole where it is an error; a stream that goes on is left. */
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

/** What is wrong with an answer, if anything is. */
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
