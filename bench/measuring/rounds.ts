/** Rounds: every contender takes its turn in each of them, so that what the machine does meanwhile meets all alike. */
import type { Command } from "../contenders/contender.ts";

/** A command whose time counts, for a row of the table. */
export interface TimedStep {
  readonly row: string;
  readonly command: Command;
}

/** What one contender does in a round. */
export interface Turn {
  readonly contender: string;
  readonly timed: readonly TimedStep[];
  /** Done before and after, without a clock. */
  readonly before?: readonly Command[];
  readonly after?: readonly Command[];
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
  /** Runs a command and returns its time in ms. */
  readonly perform: (command: Command) => Promise<number>;
}

/** All counted times of one contender in one row, in the order in which they were taken. */
export interface Series {
  readonly row: string;
  readonly contender: string;
  readonly samplesMs: number[];
}

/** Takes the turns round by round; who begins changes from round to round. */
export async function measure(turns: readonly Turn[], options: RoundOptions): Promise<Series[]> {
  const series: Series[] = turns.flatMap(({ contender, timed }) =>
    timed.map(({ row }) => ({ row, contender, samplesMs: [] }))
  );
  for (let round = -options.warmUps; round < options.rounds; round++) {
    for (const turn of inOrder(turns, round + options.warmUps)) {
      options.signal?.throwIfAborted();
      await pause(options.pauseMs);
      const times = await taken(turn, options);
      if (round < 0) continue;
      for (const { row, contender, samplesMs } of series) {
        if (contender === turn.contender && times.has(row)) samplesMs.push(times.get(row)!);
      }
    }
  }
  return series;
}

function inOrder<T>(turns: readonly T[], round: number): T[] {
  const first = round % turns.length;
  return [...turns.slice(first), ...turns.slice(0, first)];
}

/** The times of a turn by row. */
async function taken(turn: Turn, { perform }: RoundOptions): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const command of turn.before ?? []) await perform(command);
  for (const { row, command } of turn.timed) times.set(row, await perform(command));
  for (const command of turn.after ?? []) await perform(command);
  return times;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
