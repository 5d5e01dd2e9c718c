/**
 * The values of `@{name}` in a scenario's lines. Predefined: `folder`, `host` (the registry's), `begin` and `now`
 * (timestamps in the clients' format), `ambiguous` (a digit with which two kept IDs begin).
 */

export class Variables {
  readonly #values: Map<string, string>;
  readonly #computed: Readonly<Record<string, () => string>> = {
    // Limits for events and logs: with all digits, since several of them occur within a second.
    now: timestampText,
    ambiguous: () => sharedPrefix([...this.#values.values()].filter((each) => /^[0-9a-f]{64}$/.test(each))),
  };

  /** @param values predefined values */
  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = new Map(Object.entries({ begin: timestampText(), ...values }));
  }

  keep(name: string, value: string): void {
    this.#values.set(name, value);
  }

  /** Replaces variables in a line. @throws Error for an unknown name */
  insert(text: string): string {
    return text.replace(/@\{(\w+)(?::(\d+))?\}/g, (_, name: string, length?: string) => {
      const value = this.#computed[name]?.() ?? this.#values.get(name);
      if (value === undefined) throw new Error(`Nothing was kept as @{${name}}, which is needed for ${text}`);
      return length === undefined ? value : value.slice(0, Number(length));
    });
  }
}

/** The current time, in seconds since 1970. */
function timestampText(): string {
  const now = Date.now();
  return `${Math.floor(now / 1000)}.${String(now % 1000).padStart(3, "0")}`;
}

/** Returns the first character that two of the IDs have in common. @throws Error if there is none */
function sharedPrefix(ids: readonly string[]): string {
  const digits = ids.map((id) => id.slice(0, 1));
  const shared = digits.find((digit, at) => digits.indexOf(digit) !== at);
  if (shared === undefined) throw new Error(`No two of ${ids.length} ids begin with the same digit`);
  return shared;
}
