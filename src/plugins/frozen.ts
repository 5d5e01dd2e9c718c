/** Frozen copies of plain values. */

/** Returns a deeply frozen copy. */
export function frozen<T>(value: T): T {
  return deepFreeze(structuredClone(value));
}

/** Freezes a value and everything in it. Returns the value itself. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
