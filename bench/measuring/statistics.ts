/** Medians and percentiles. Values are in their series' unit. */

export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Summarizes a series. @throws RangeError if it is empty */
export function summaryOf(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError("A series without samples has no median");
  const sorted = ascending(samples);
  const [low, high] = [Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2)];
  return {
    count: sorted.length,
    median: (sorted[low]! + sorted[high]!) / 2,
    min: sorted[0]!,
    max: sorted.at(-1)!,
  };
}

/** Returns the smallest sample that `percent` of all don't exceed. @throws RangeError for an empty series */
export function percentile(samples: readonly number[], percent: number): number {
  if (samples.length === 0) throw new RangeError("A series without samples has no percentiles");
  return ascending(samples)[Math.max(0, Math.ceil(samples.length * percent / 100) - 1)]!;
}

const ascending = (samples: readonly number[]): number[] => samples.toSorted((left, right) => left - right);
