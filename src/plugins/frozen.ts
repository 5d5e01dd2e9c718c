/** Snapshots that nobody can change. */

/** A copy that nobody can change, and that is nobody else's. */
export function frozen<T>(value: T): T {
  return deepFreeze(structuredClone(value));
}

/** The value itself, with all that is in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
