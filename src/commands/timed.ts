import type { FlagSpecs } from "../cli/mod.ts";
import type { CommandContext } from "./context.ts";

/** The `--timing` flag of `run`, `create`, `start` and `exec`. */
export const TIMING_FLAG = {
  timing: { type: "bool", help: "Show on standard error how long each phase took" },
} as const satisfies FlagSpecs;

/**
 * Runs a command. If timing is requested, its context has a clock, whose table is printed at the end, also after a failure.
 */
export async function timed(
  context: CommandContext,
  requested: boolean,
  command: (context: CommandContext) => Promise<number>,
): Promise<number> {
  if (!requested) return await command(context);
  const { runTimed } = await import("./timing.ts");
  return await runTimed(context, command);
}
