/** Test support: JSON with field names in any case. */
import fc from "fast-check";
import { isObject } from "./decode.ts";

/** Each letter unchanged, in lower case, in upper case, or as the other character that Unicode folds to it. */
const SPELLINGS: readonly ((letter: string) => string)[] = [
  (letter) => letter,
  (letter) => letter.toLowerCase(),
  (letter) => letter.toUpperCase(),
  (letter) => ({ s: "\u017f", S: "\u017f", k: "\u212a", K: "\u212a" })[letter] ?? letter,
];

/** Choices of a spelling, one for each letter. */
export const SPELLING = fc.infiniteStream(fc.integer({ min: 0, max: SPELLINGS.length - 1 }));

/**
 * Respells the names of all fields of a value.
 * @param isMap reports whether a field's value is a map, whose keys stay as they are
 */
export function respelt(value: unknown, choices: Iterator<number>, isMap: (field: string, inner: unknown) => boolean) {
  const spell = (name: string) => [...name].map((letter) => SPELLINGS[choices.next().value]!(letter)).join("");
  const walk = (value: unknown, areFields = true): unknown => {
    if (Array.isArray(value)) return value.map((item) => walk(item));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) =>
        areFields ? [spell(name), walk(inner, !isMap(name, inner))] : [name, walk(inner)]
      ),
    );
  };
  return walk(value);
}

/** Objects with some of these fields. */
export const sparse = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(fields, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Partial<T>>;

/** Maps; some of their keys are names of fields. */
export const mapOf = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(fc.constantFrom("a", "A", "b.c", "Type", "name", "__proto__", "K", "\u212a"), value, {
    noNullPrototype: true,
  });
