import { toTsdError, type TsdError } from "../../errors.ts";
import { printableLine, type Terminal } from "../../cli/mod.ts";

/** Docker's own limit for commands with several targets. */
const MAX_AT_ONCE = 50;

export interface TargetOptions {
  /** Prints what a success means; the target's name if not given. */
  readonly report?: (target: string) => string;
  /** Failures that are shown but don't count. */
  readonly forgives?: (error: TsdError) => boolean;
}

/**
 * Does the same to several targets, all at once, and reports in the order they were named. A failure doesn't keep the
 * others from being done. Resolves to the exit code: 1 if any failed.
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
