/** Rounds: every contender takes its turn in each of them, so that what the machine does meanwhile meets all alike. */

export type Unit = "ms" | "MB" | "MB/s";

/** One figure of one turn, for a row of the table. */
export interface Sample {
  readonly row: string;
  readonly unit: Unit;
  readonly value: number;
}

/** What one contender does in a round. */
export interface Turn {
  readonly peer: string;
  take(): Promise<readonly Sample[]>;
}

export interface RoundOptions {
  /** Counted rounds. */
  readonly rounds: number;
  /** Rounds before them that are not counted. */
  readonly warmUps: number;
  /** Rest before each turn, for what the one before still does in the background. */
  readonly pauseMs: number;
  /** Ends the rounds early: {@link measure} rejects. */
  readonly signal?: AbortSignal;
}

/** All counted figures of one contender in one row, in the order in which they were taken. */
export interface Series {
  readonly row: string;
  readonly peer: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
}

/** Takes the turns round by round; who begins changes from round to round. */
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
  return [...Map.groupBy(samples, ({ row }) => row)].map(([row, own]) => ({
    ...{ row, peer, unit: own[0]!.unit },
    samples: own.map(({ value }) => value),
  }));
}

function inOrder<T>(turns: readonly T[], round: number): T[] {
  const first = round % turns.length;
  return [...turns.slice(first), ...turns.slice(0, first)];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
