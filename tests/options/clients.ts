/** The same command line through tsd's own client and through the docker CLI: what the container sees must be the same. */
import type { RunResult } from "../harness/mod.ts";
import { type Expected, expectResult, type Fixture } from "../cli/setup.ts";

export const CLIENTS = ["tsd", "docker"] as const;
export type Client = typeof CLIENTS[number];

/** `run --rm --network none FLAGS IMAGE sh -c SCRIPT` with one client. */
export function runWith(
  fixture: Fixture,
  client: Client,
  flags: readonly string[],
  script: string,
): Promise<RunResult> {
  return fixture.engine[client](["run", "--rm", "--network", "none", ...flags, fixture.image, "sh", "-c", script]);
}

/** The same with both; what a container says is compared without what its client adds. */
export async function bothSee(
  fixture: Fixture,
  flags: readonly string[],
  script: string,
  expected: Expected | string,
): Promise<void> {
  for (const client of CLIENTS) {
    const requested = typeof expected === "string" ? { stdout: `${expected}\n` } : expected;
    expectResult(await runWith(fixture, client, flags, script), requested);
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
