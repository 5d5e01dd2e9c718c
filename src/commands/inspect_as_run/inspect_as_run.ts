import { printable, printableLine, UsageError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { madeContainer } from "./inspected_container.ts";
import { runLine } from "./run_command_line.ts";
import { forEachTarget } from "../container/for_each_target.ts";

/**
 * `inspect --as run`: prints one command line per container. Settings that no flag can express are reported on standard
 * error.
 */
export async function inspectAsRun(
  { engine, terminal }: CommandContext,
  names: readonly string[],
  { as: form, format, size = false }: { as: string; format: string | undefined; size?: boolean },
): Promise<number> {
  if (form !== "run") throw new UsageError(`"${form}" is not a valid value for --as: give run`);
  if (format !== undefined || size) {
    throw new UsageError("conflicting options: --as goes with neither --format nor --size");
  }
  const lines = new Map<string, string>();
  const look = async (name: string) => {
    const { line, missing } = runLine(await madeContainer(engine, await engine.containers.get(name).inspect()));
    lines.set(name, line);
    for (const what of missing) {
      await terminal.err(`tsd: ${name} also has ${printableLine(what)}, which no option says\n`);
    }
  };
  // Programs get the exact line; for a terminal, control characters from an image are replaced.
  const report = (name: string) => {
    const line = `${lines.get(name)}\n`;
    return terminal.isTty("stdout") ? printable(line) : line;
  };
  return await forEachTarget(terminal, names, look, { report });
}
