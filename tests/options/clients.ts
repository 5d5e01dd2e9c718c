/** Runs the same command line with tsd's client and with the docker CLI: the container must see the same. */
import type { RunResult } from "../harness/mod.ts";
import { type Expected, expectResult, type Fixture } from "../cli/setup.ts";

export const CLIENTS = ["tsd", "docker"] as const;
export type Client = typeof CLIENTS[number];

/** Runs `run --rm --network none FLAGS IMAGE sh -c SCRIPT` with one client. */
export function runWith(
  fixture: Fixture,
  client: Client,
  flags: readonly string[],
  script: string,
): Promise<RunResult> {
  return fixture.engine[client](["run", "--rm", "--network", "none", ...flags, fixture.image, "sh", "-c", script]);
}

/** Runs it with both; the container's output is compared without messages of the client. */
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

/** Returns the machine's cgroup version. */
export async function cgroupVersion(): Promise<1 | 2> {
  try {
    await Deno.stat("/sys/fs/cgroup/cgroup.controllers");
    return 2;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 1;
    throw thrown;
  }
}
