/**
 * What `@{name}` stands for in a scenario's lines. Always there: `folder`, `host` (the registry's), `begin` and `now` (times,
 * as clients take them), `ambiguous` (a digit with which two kept ids begin).
 */

export class Variables {
  readonly #values: Map<string, string>;
  readonly #computed: Readonly<Record<string, () => string>> = {
    // Events and logs are asked for by it: with all digits, since several of them fit into a second.
    now: timestampText,
    ambiguous: () => sharedPrefix([...this.#values.values()].filter((each) => /^[0-9a-f]{64}$/.test(each))),
  };

  /** @param values those that are there from the beginning */
  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = new Map(Object.entries({ begin: timestampText(), ...values }));
  }

  keep(name: string, value: string): void {
    this.#values.set(name, value);
  }

  /** @throws Error for a name that nobody has kept */
  insert(text: string): string {
    return text.replace(/@\{(\w+)(?::(\d+))?\}/g, (_, name: string, length?: string) => {
      const value = this.#computed[name]?.() ?? this.#values.get(name);
      if (value === undefined) throw new Error(`Nothing was kept as @{${name}}, which is needed for ${text}`);
      return length === undefined ? value : value.slice(0, Number(length));
    });
  }
}

/** The present, in seconds since 1970. */
function timestampText(): string {
  const now = Date.now();
  return `${Math.floor(now / 1000)}.${String(now % 1000).padStart(3, "0")}`;
}

/** The first character that two of the ids have in common. @throws Error when there is none */
function sharedPrefix(ids: readonly string[]): string {
  const digits = ids.map((id) => id.slice(0, 1));
  const shared = digits.find((digit, at) => digits.indexOf(digit) !== at);
  if (shared === undefined) throw new Error(`No two of ${ids.length} ids begin with the same digit`);
  return shared;
}
