import { toTsdError, type TsdError } from "../../errors.ts";
import { printableLine, type Terminal } from "../../cli/mod.ts";

/** Docker's limit of concurrent operations for commands with several targets. */
const MAX_AT_ONCE = 50;

export interface TargetOptions {
  /** Returns the output for a target that succeeded. Default: the target's name and a line feed. */
  readonly report?: (target: string) => string;
  /** Returns whether a failure is printed without affecting the exit code. */
  readonly forgives?: (error: TsdError) => boolean;
}

/**
 * Runs an action on several targets concurrently and reports the results in the order of the targets. A failure doesn't stop
 * the others. Resolves to the exit code: 1 if any failed.
 */
export async function forEachTarget(
  terminal: Terminal,
  targets: readonly string[],
  action: (target: string) => Promise<void>,
  { report = (target) => `${target}\n`, forgives = () => false }: TargetOptions = {},
): Promise<number> {
  let exitCode = 0;
  for (let at = 0; at < targets.length; at += MAX_AT_ONCE) {
    const batch = targets.slice(at, at + MAX_AT_ONCE);
    const results = await Promise.allSettled(batch.map(action));
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") {
        await terminal.out(report(batch[index]));
        continue;
      }
      const error = toTsdError(result.reason);
      await terminal.err(`tsd: ${printableLine(error.message)}\n`);
      if (!forgives(error)) exitCode = 1;
    }
  }
  return exitCode;
}
