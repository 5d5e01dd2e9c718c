/** Both clients, for what has to be the same with each. */
import type { RunResult } from "../harness/mod.ts";
import type { Step, World } from "../cli/setup.ts";

/** One of them on a world's engine, and how it tells what the engine says. */
export interface FileClient {
  readonly name: "tsd" | "docker";
  call(...args: string[]): Promise<RunResult>;
  /** The line of an error of the engine's. */
  says(message: string): string;
}

/** Runs a step once with tsd's client and once with docker's. */
export function withBoth(step: (world: World, client: FileClient) => Promise<void>): Step {
  return async (world) => {
    for (const client of clientsOf(world)) {
      try {
        await step(world, client);
      } catch (cause) {
        throw new Error(`With ${client.name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      } finally {
        await emptied(world.folder);
      }
    }
  };
}

const clientsOf = (world: World): readonly FileClient[] => [
  { name: "tsd", call: (...args) => world.tsd(...args), says: (message) => `tsd: ${message}\n` },
  {
    name: "docker",
    call: (...args) => world.docker(...args),
    says: (message) => `Error response from daemon: ${message}\n`,
  },
];

async function emptied(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true });
  await Deno.mkdir(folder);
}
