/**
 * @module
 * Mirrors: who is asked before a registry itself. One that can't be reached is left alone for a while.
 */

/** How long, in ms. */
const LEFT_ALONE_MS = 60_000;

/** See the module's comment. */
export class Mirrors {
  readonly #byDomain: Readonly<Record<string, readonly string[]>>;
  readonly #leftAloneUntilMs = new Map<string, number>();

  constructor(byDomain: Readonly<Record<string, readonly string[]>>) {
    this.#byDomain = byDomain;
  }

  /** Origins, in the order in which they are asked. */
  of(domain: string, nowMs: number = Date.now()): URL[] {
    const own = Object.hasOwn(this.#byDomain, domain) ? this.#byDomain[domain]! : [];
    return own.filter((origin) => (this.#leftAloneUntilMs.get(origin) ?? 0) <= nowMs).map((origin) => new URL(origin));
  }

  /** It doesn't answer. */
  leaveAlone(origin: URL, nowMs: number = Date.now()): void {
    const names = Object.values(this.#byDomain).flat().filter((name) => new URL(name).href === origin.href);
    for (const name of names) this.#leftAloneUntilMs.set(name, nowMs + LEFT_ALONE_MS);
  }
}
