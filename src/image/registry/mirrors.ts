/**
 * @module
 * Mirrors, which are tried before the registry itself. A mirror that can't be reached is not used for a while.
 */

/** How long a mirror is not used after a failure. */
const SUSPENSION_MS = 60_000;

/** A registry's mirrors, and which of them are suspended. */
export class Mirrors {
  readonly #byDomain: Readonly<Record<string, readonly string[]>>;
  readonly #suspendedUntilMs = new Map<string, number>();

  constructor(byDomain: Readonly<Record<string, readonly string[]>>) {
    this.#byDomain = byDomain;
  }

  /** Returns the origins of a domain's mirrors that may be used, in order of preference. */
  of(domain: string, nowMs: number = Date.now()): URL[] {
    const origins = Object.hasOwn(this.#byDomain, domain) ? this.#byDomain[domain]! : [];
    return origins.filter((origin) => (this.#suspendedUntilMs.get(origin) ?? 0) <= nowMs).map((origin) =>
      new URL(origin)
    );
  }

  /** Suspends a mirror that failed. */
  suspend(origin: URL, nowMs: number = Date.now()): void {
    const names = Object.values(this.#byDomain).flat().filter((name) => new URL(name).href === origin.href);
    for (const name of names) this.#suspendedUntilMs.set(name, nowMs + SUSPENSION_MS);
  }
}
