/** Interleaves measurements in rounds: each peer has a turn in each round, so that load of the machine affects all alike. */

export type Unit = "ms" | "MB" | "MB/s";

/** One value measured in a turn, for a row of the table. */
export interface Sample {
  readonly row: string;
  readonly unit: Unit;
  readonly value: number;
}

/** A peer's measurements in a round. */
export interface Turn {
  readonly peer: string;
  take(): Promise<readonly Sample[]>;
}

export interface RoundOptions {
  /** Measured rounds. */
  readonly rounds: number;
  /** Rounds before them whose samples are dropped. */
  readonly warmUps: number;
  /** Pause before each turn, in which background work of the previous one finishes. */
  readonly pauseMs: number;
  /** Makes {@link measure} reject before the next turn. */
  readonly signal?: AbortSignal;
}

/** All samples of one peer in one row, in the order of the rounds. */
export interface Series {
  readonly row: string;
  readonly peer: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
}

/** Takes the turns round by round, rotating the first one. The series are in the order of `turns`. */
export async function measure(turns: readonly Turn[], options: RoundOptions): Promise<Series[]> {
  const taken = new Map<Turn, Sample[]>(turns.map((turn) => [turn, []]));
  for (let round = -options.warmUps; round < options.rounds; round++) {
    for (const turn of inOrder(turns, round + options.warmUps)) {
      options.signal?.throwIfAborted();
      await pause(options.pauseMs);
      const samples = await turn.take();
      if (round >= 0) taken.get(turn)!.push(...samples);
    }
  }
  return turns.flatMap((turn) => seriesOf(turn.peer, taken.get(turn)!));
}

function seriesOf(peer: string, samples: readonly Sample[]): Series[] {
  return [...Map.groupBy(samples, ({ row }) => row)].map(([row, ofRow]) => ({
    ...{ row, peer, unit: ofRow[0]!.unit },
    samples: ofRow.map(({ value }) => value),
  }));
}

function inOrder<T>(turns: readonly T[], round: number): T[] {
  const first = round % turns.length;
  return [...turns.slice(first), ...turns.slice(0, first)];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
