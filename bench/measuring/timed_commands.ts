/** Turns that are made of commands: some with a clock, some around them without. */
import type { Command } from "../peers/peer.ts";
import type { Turn } from "./rounds.ts";

/** Several commands, some of them at once; their time is that of all. */
export interface Crowd {
  readonly commands: readonly Command[];
  readonly atOnce: number;
}

/** What counts, for a row of the table. */
export interface TimedStep {
  readonly row: string;
  readonly work: Command | Crowd;
}

export interface TimedCommands {
  readonly timed: readonly TimedStep[];
  /** Done before and after, without a clock. */
  readonly before?: readonly Command[];
  readonly after?: readonly Command[];
}

/** Runs a command and returns its time in ms. */
export type Perform = (command: Command) => Promise<number>;

/** A contender's turn with these commands. */
export function commandTurn(
  peer: string,
  { timed, before = [], after = [] }: TimedCommands,
  perform: Perform,
): Turn {
  return {
    peer,
    async take() {
      for (const command of before) await perform(command);
      const samples = [];
      for (const { row, work } of timed) {
        const value = "commands" in work ? await performCrowd(work, perform) : await perform(work);
        samples.push({ row, unit: "ms", value } as const);
      }
      for (const command of after) await perform(command);
      return samples;
    },
  };
}

/** From the first one's start to the last one's end, in ms; the first failure counts, once all that ran have ended. */
export async function performCrowd({ commands, atOnce }: Crowd, perform: Perform): Promise<number> {
  const waiting = commands.values();
  const beganMs = performance.now();
  const clients = Array.from({ length: atOnce }, async () => {
    for (const command of waiting) await perform(command);
  });
  const ends = await Promise.allSettled(clients);
  const elapsedMs = performance.now() - beganMs;
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return elapsedMs;
}
