/**
 * @module
 * Query parameters as Docker's clients send them: booleans are anything but empty, `0`, `no`, `false` and `none`;
 * filters come as `{"status":["running"]}` or as `{"status":{"running":true}}`.
 */
import { TsdError } from "../../errors.ts";

/** Filters by key; the values of one key are alternatives. */
export type Filters = ReadonlyMap<string, readonly string[]>;

const FALSE = new Set(["", "0", "no", "false", "none"]);

/** Typed access to a query string. */
export class Query {
  readonly #params: URLSearchParams;

  constructor(params: URLSearchParams) {
    this.#params = params;
  }

  /** The value, or undefined when it is missing or empty. */
  text(name: string): string | undefined {
    return this.#params.get(name) || undefined;
  }

  /** All values of a parameter that may come several times. */
  all(name: string): string[] {
    return this.#params.getAll(name);
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.#params.get(name);
    return value === null ? otherwise : !FALSE.has(value.trim().toLowerCase());
  }

  /** A whole number. @throws {TsdError} invalid_argument */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
      throw new TsdError("invalid_argument", `Bad parameter ${name}=${JSON.stringify(text)}: not a whole number`);
    }
    return value;
  }

  /** @throws {TsdError} invalid_argument (bad JSON, or a key that isn't in `known`) */
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
      if (!entries.every(([, requested]) => typeof requested === "boolean")) throw bad();
      return [key, entries.filter(([, requested]) => requested).map(([name]) => name)];
    }),
  );
}
