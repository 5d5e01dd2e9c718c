/**
 * @module
 * Query parameters in the form of Docker's clients: booleans are true unless empty, `0`, `no`, `false` or `none`;
 * filters are `{"status":["running"]}` or `{"status":{"running":true}}`.
 */
import { TsdError } from "../../errors.ts";

/** Filters by key. The values of one key are alternatives. */
export type Filters = ReadonlyMap<string, readonly string[]>;

const FALSE = new Set(["", "0", "no", "false", "none"]);

/** Typed access to a query string. */
export class Query {
  readonly #params: URLSearchParams;

  constructor(params: URLSearchParams) {
    this.#params = params;
  }

  /** Returns the value; undefined if it is missing or empty. */
  text(name: string): string | undefined {
    return this.#params.get(name) || undefined;
  }

  /** Returns all values of a parameter that may be repeated. */
  all(name: string): string[] {
    return this.#params.getAll(name);
  }

  /** Parses a boolean. */
  flag(name: string, fallback = false): boolean {
    const value = this.#params.get(name);
    return value === null ? fallback : !FALSE.has(value.trim().toLowerCase());
  }

  /**
   * Parses an integer.
   * @throws {TsdError} invalid_argument
   */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
      throw new TsdError("invalid_argument", `Bad parameter ${name}=${JSON.stringify(text)}: not a whole number`);
    }
    return value;
  }

  /**
   * Parses the parameter `filters`.
   * @throws {TsdError} invalid_argument if it is not valid JSON, or has a key that is not in `known`
   */
  filters(known: readonly string[]): Filters {
    const text = this.text("filters");
    if (text === undefined) return new Map();
    const filters = parseFilters(text);
    for (const key of filters.keys()) {
      if (!known.includes(key)) throw new TsdError("invalid_argument", `invalid filter '${key}'`);
    }
    return filters;
  }
}

function parseFilters(text: string): Map<string, string[]> {
  const bad = (cause?: unknown) => new TsdError("invalid_argument", "invalid filter: not a JSON object", { cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw bad(cause);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw bad();
  return new Map(
    Object.entries(parsed).map(([key, value]) => {
      if (Array.isArray(value) && value.every((each) => typeof each === "string")) return [key, value];
      if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad();
      const entries = Object.entries(value);
      if (!entries.every(([, enabled]) => typeof enabled === "boolean")) throw bad();
      return [key, entries.filter(([, enabled]) => enabled).map(([name]) => name)];
    }),
  );
}
