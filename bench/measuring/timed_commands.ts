/** Turns that consist of measured commands, with unmeasured ones before and after. */
import type { Command } from "../peers/peer.ts";
import type { Turn } from "./rounds.ts";

/** Commands that run `atOnce` at a time and are measured together. */
export interface ConcurrentCommands {
  readonly commands: readonly Command[];
  readonly atOnce: number;
}

/** A measured step, for a row of the table. */
export interface TimedStep {
  readonly row: string;
  readonly work: Command | ConcurrentCommands;
}

export interface TimedCommands {
  readonly timed: readonly TimedStep[];
  /** Commands run before and after, not measured. */
  readonly before?: readonly Command[];
  readonly after?: readonly Command[];
}

/** Runs a command and returns its time in ms. */
export type Exec = (command: Command) => Promise<number>;

/** Returns a peer's turn with these commands. */
export function commandTurn(
  peer: string,
  { timed, before = [], after = [] }: TimedCommands,
  exec: Exec,
): Turn {
  return {
    peer,
    async take() {
      for (const command of before) await exec(command);
      const samples = [];
      for (const { row, work } of timed) {
        const value = "commands" in work ? await execConcurrently(work, exec) : await exec(work);
        samples.push({ row, unit: "ms", value } as const);
      }
      for (const command of after) await exec(command);
      return samples;
    },
  };
}

/**
 * Runs the commands and returns the time from the first one's start to the last one's end, in ms.
 * @throws the first failure, after all running commands have ended
 */
export async function execConcurrently({ commands, atOnce }: ConcurrentCommands, exec: Exec): Promise<number> {
  const waiting = commands.values();
  const startedMs = performance.now();
  const clients = Array.from({ length: atOnce }, async () => {
    for (const command of waiting) await exec(command);
  });
  const ends = await Promise.allSettled(clients);
  const elapsedMs = performance.now() - startedMs;
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return elapsedMs;
}
