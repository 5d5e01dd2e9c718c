/**
 * Folds the case of a key, so that two keys are equal exactly if Go's `encoding/json` matches them to the same field.
 * The names of fields are ASCII, so only ASCII letters matter, and the two characters that Unicode folds to one: U+017F
 * (ſ) and U+212A (the Kelvin sign, which `toLowerCase` maps to k).
 */
export function foldKey(key: string): string {
  return key.toLowerCase().replaceAll("\u017f", "s");
}
