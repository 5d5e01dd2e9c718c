/** The same command line through tsd's own client and through the docker CLI: what the container sees must be the same. */
import type { RunResult } from "../harness/mod.ts";
import { type Expected, expectResult, type World } from "../cli/setup.ts";

export const CLIENTS = ["tsd", "docker"] as const;
export type Client = typeof CLIENTS[number];

/** `run --rm --network none FLAGS IMAGE sh -c SCRIPT` with one client. */
export function runWith(world: World, client: Client, flags: readonly string[], script: string): Promise<RunResult> {
  return world.engine[client](["run", "--rm", "--network", "none", ...flags, world.image, "sh", "-c", script]);
}

/** The same with both; what a container says is compared without what its client adds. */
export async function bothSee(
  world: World,
  flags: readonly string[],
  script: string,
  expected: Expected | string,
): Promise<void> {
  for (const client of CLIENTS) {
    const wanted = typeof expected === "string" ? { stdout: `${expected}\n` } : expected;
    expectResult(await runWith(world, client, flags, script), wanted);
  }
}

/** Which cgroup version the machine has. */
export async function cgroupVersion(): Promise<1 | 2> {
  try {
    await Deno.stat("/sys/fs/cgroup/cgroup.controllers");
    return 2;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 1;
    throw thrown;
  }
}
