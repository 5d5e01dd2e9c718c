/** Filters by key; the values of one key are alternatives. */
export type ListFilters = Readonly<Record<string, readonly string[]>>;

/** Filters as the query carries them, undefined when there are none. */
export function encodeFilters(filters: ListFilters): string | undefined {
  const keys = Object.keys(filters);
  if (keys.length === 0) return undefined;
  const sets = keys.map((key) => [key, Object.fromEntries(filters[key]!.map((value) => [value, true]))]);
  return JSON.stringify(Object.fromEntries(sets));
}
