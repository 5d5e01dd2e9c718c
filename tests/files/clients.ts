/** Runs steps with both clients, for behaviour that must be the same. */
import type { RunResult } from "../harness/mod.ts";
import type { Fixture, Step } from "../cli/setup.ts";

/** A client of a fixture's engine, and its format of engine errors. */
export interface FileClient {
  readonly name: "tsd" | "docker";
  call(...args: string[]): Promise<RunResult>;
  /** Returns the line that reports an engine error. */
  says(message: string): string;
}

/** Returns a step that runs once with tsd's client and once with docker's. */
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
