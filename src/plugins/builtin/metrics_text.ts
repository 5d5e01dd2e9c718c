/**
 * @module
 * Prometheus's text exposition format, version 0.0.4: counters, gauges and histograms with labels.
 */

/** Value of the header `Content-Type`. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

/** A metric family. */
export interface Family {
  text(): string;
}

abstract class Values implements Family {
  readonly #name: string;
  readonly #help: string;
  readonly #type: "counter" | "gauge" | "histogram";

  constructor(name: string, help: string, type: "counter" | "gauge" | "histogram") {
    this.#name = name;
    this.#help = help;
    this.#type = type;
  }

  protected abstract samples(name: string): Iterable<readonly [name: string, labels: Labels, value: number]>;

  text(): string {
    const lines = [...this.samples(this.#name)].map(([name, labels, value]) =>
      `${name}${labelText(labels)} ${value}\n`
    );
    const help = this.#help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    return `# HELP ${this.#name} ${help}\n# TYPE ${this.#name} ${this.#type}\n${lines.join("")}`;
  }
}

/** A counter. One without labels (`isPlain`) starts at 0; others appear with their first increment. */
export class Counter extends Values {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(name: string, help: string, { isPlain = false }: { readonly isPlain?: boolean } = {}) {
    super(name, help, "counter");
    if (isPlain) this.add({}, 0);
  }

  add(labels: Labels = {}, count = 1): void {
    const key = labelText(labels);
    const known = this.#values.get(key);
    if (known === undefined) this.#values.set(key, { labels, value: count });
    else known.value += count;
  }

  protected override *samples(name: string) {
    for (const { labels, value } of this.#values.values()) yield [name, labels, value] as const;
  }
}

/** Values that are read on each scrape. */
export class Gauge extends Values {
  readonly #read: () => Iterable<readonly [Labels, number]>;

  constructor(
    name: string,
    help: string,
    read: () => Iterable<readonly [Labels, number]>,
    type: "gauge" | "counter" = "gauge",
  ) {
    super(name, help, type);
    this.#read = read;
  }

  protected override *samples(name: string) {
    for (const [labels, value] of this.#read()) yield [name, labels, value] as const;
  }
}

interface Buckets {
  readonly labels: Labels;
  readonly counts: number[];
  sum: number;
  count: number;
}

/** A histogram of observed values. */
export class Histogram extends Values {
  readonly #bounds: readonly number[];
  readonly #all = new Map<string, Buckets>();

  /** @param bounds upper bounds of the buckets, ascending; the last bucket (`+Inf`) is added */
  constructor(name: string, help: string, bounds: readonly number[]) {
    super(name, help, "histogram");
    this.#bounds = bounds;
  }

  observe(labels: Labels, value: number): void {
    const key = labelText(labels);
    let buckets = this.#all.get(key);
    if (buckets === undefined) {
      buckets = { labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
      this.#all.set(key, buckets);
    }
    buckets.sum += value;
    buckets.count++;
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) buckets.counts[at]!++;
  }

  protected override *samples(name: string) {
    for (const { labels, counts, sum, count } of this.#all.values()) {
      let below = 0;
      for (const [at, bound] of this.#bounds.entries()) {
        below += counts[at]!;
        yield [`${name}_bucket`, { ...labels, le: String(bound) }, below] as const;
      }
      yield [`${name}_bucket`, { ...labels, le: "+Inf" }, count] as const;
      yield [`${name}_sum`, labels, Number(sum.toFixed(6))] as const;
      yield [`${name}_count`, labels, count] as const;
    }
  }
}

function labelText(labels: Labels): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return all.length === 0 ? "" : `{${all.join(",")}}`;
}

const escaped = (value: string) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
