/** Both clients, for what has to be the same with each. */
import type { RunResult } from "../harness/mod.ts";
import type { Fixture, Step } from "../cli/setup.ts";

/** One of them on a world's engine, and how it tells what the engine says. */
export interface FileClient {
  readonly name: "tsd" | "docker";
  call(...args: string[]): Promise<RunResult>;
  /** The line of an error of the engine's. */
  says(message: string): string;
}

/** Runs a step once with tsd's client and once with docker's. */
export function withBoth(step: (fixture: Fixture, client: FileClient) => Promise<void>): Step {
  return async (fixture) => {
    for (const client of clientsOf(fixture)) {
      try {
        await step(fixture, client);
      } catch (cause) {
        throw new Error(`With ${client.name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      } finally {
        await emptied(fixture.dir);
      }
    }
  };
}

const clientsOf = (fixture: Fixture): readonly FileClient[] => [
  { name: "tsd", call: (...args) => fixture.tsd(...args), says: (message) => `tsd: ${message}\n` },
  {
    name: "docker",
    call: (...args) => fixture.docker(...args),
    says: (message) => `Error response from daemon: ${message}\n`,
  },
];

async function emptied(dir: string): Promise<void> {
  await Deno.remove(dir, { recursive: true });
  await Deno.mkdir(dir);
}
