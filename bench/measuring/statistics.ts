/** What the table shows of a series. */

export interface Summary {
  readonly count: number;
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** @throws RangeError for an empty series, which has no median */
export function summaryOf(samplesMs: readonly number[]): Summary {
  if (samplesMs.length === 0) throw new RangeError("A series without samples has no median");
  const sorted = samplesMs.toSorted((left, right) => left - right);
  const [low, high] = [Math.floor((sorted.length - 1) / 2), Math.ceil((sorted.length - 1) / 2)];
  return {
    count: sorted.length,
    medianMs: (sorted[low]! + sorted[high]!) / 2,
    minMs: sorted[0]!,
    maxMs: sorted.at(-1)!,
  };
}
