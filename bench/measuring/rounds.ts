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

/** All times of one contender in one row, in the order in which they were taken. */
export interface Series {
  readonly row: string;
  readonly contender: string;
  readonly samplesMs: number[];
}

/** Takes the turns round by round; who begins changes from round to round. */
export async function measure(turns: readonly Turn[], options: RoundOptions): Promise<Series[]> {
  const series: Series[] = [];
  for (let round = -options.warmUps; round < options.rounds; round++) {
    for (const turn of inOrder(turns, round + options.warmUps)) {
      options.signal?.throwIfAborted();
      await pause(options.pauseMs);
      for (const { row, elapsedMs } of await taken(turn, options)) {
        if (round >= 0) seriesOf(series, row, turn.contender).samplesMs.push(elapsedMs);
      }
    }
  }
  return series;
}

function inOrder<T>(turns: readonly T[], round: number): T[] {
  const first = round % turns.length;
  return [...turns.slice(first), ...turns.slice(0, first)];
}

async function taken({ before = [], timed, after = [] }: Turn, { perform }: RoundOptions) {
  const times: { row: string; elapsedMs: number }[] = [];
  for (const command of before) await perform(command);
  for (const { row, command } of timed) times.push({ row, elapsedMs: await perform(command) });
  for (const command of after) await perform(command);
  return times;
}

function seriesOf(all: Series[], row: string, contender: string): Series {
  let found = all.find((each) => each.row === row && each.contender === contender);
  if (found === undefined) all.push(found = { row, contender, samplesMs: [] });
  return found;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
