import { type CommandInput, defineCommand, type FlagSpecs, printableLine, Prompt, StatusError } from "../../cli/mod.ts";
import type { PruneKind } from "../../client/system.ts";
import type { CommandContext } from "../context.ts";
import { pruneFilters } from "./prune_filters.ts";
import { describePlan, describeReport, retainedLine } from "./prune_view.ts";

const FLAGS = {
  "dry-run": { type: "bool", help: "Show what would be removed, and remove nothing" },
  filter: {
    type: "list",
    valueName: "filter",
    help: 'Provide filter values (e.g. "until=24h", "label=<key>=<value>")',
  },
  force: { type: "bool", short: "f", help: "Do not prompt for confirmation" },
  format: { type: "string", help: "Format output: 'table' (the default), 'table TEMPLATE', 'json' or a Go template" },
} as const satisfies FlagSpecs;

const ALL_FLAG = {
  all: { type: "bool", short: "a", help: "Remove all unused images, not just dangling ones" },
} as const satisfies FlagSpecs;

/** `tsd prune`. */
export const prune = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: { ...FLAGS, ...ALL_FLAG, volumes: { type: "bool", help: "Prune anonymous volumes" } },
  examples: [
    { line: "prune", note: "Show what nobody uses, why, and its size; ask; remove exactly that" },
    { line: "prune --dry-run -a", note: "What would go if images that no container uses went too" },
    { line: "prune -f --filter until=24h", note: "Without asking, and nothing that is younger than a day" },
  ],
  run(context: CommandContext, { flags }) {
    const volumes: readonly PruneKind[] = flags.volumes ? ["volume"] : [];
    return runPrune(context, ["container", "network", ...volumes, "image", "download", "build-cache"], flags);
  },
});

/** `tsd container prune`. */
export const containerPrune = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: FLAGS,
  examples: [{ line: "container prune --filter label=job", note: "Stopped containers with a label" }],
  run: (context: CommandContext, { flags }) => runPrune(context, ["container"], flags),
});

/** `tsd image prune`. */
export const imagePrune = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: { ...FLAGS, ...ALL_FLAG },
  examples: [
    { line: "image prune", note: "Images without a tag that no container uses" },
    { line: "image prune -a --dry-run --format json", note: "All that no container uses, for programs" },
  ],
  run: (context: CommandContext, { flags }) => runPrune(context, ["image", "download"], flags),
});

/** `tsd network prune`. */
export const networkPrune = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: FLAGS,
  examples: [{ line: "network prune --filter until=24h", note: "Networks that no container is in, made a day ago" }],
  run: (context: CommandContext, { flags }) => runPrune(context, ["network"], flags),
});

/** `tsd volume prune`. */
export const volumePrune = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    ...FLAGS,
    all: { type: "bool", short: "a", help: "Remove all unused volumes, not just anonymous ones" },
  },
  examples: [
    { line: "volume prune", note: "Anonymous volumes that no container uses" },
    { line: "volume prune -a --filter label!=keep", note: "Also those that somebody gave a name, but for some" },
  ],
  run: (context: CommandContext, { flags: { all, ...flags } }) =>
    runPrune(context, ["volume"], { ...flags, allVolumes: all }),
});

type Flags = CommandInput<typeof FLAGS>["flags"] & { readonly all?: boolean; readonly allVolumes?: boolean };

/** Shows what is unused, asks, and removes what was shown. Objects that are in use by then are retained and reported. */
async function runPrune({ terminal, engine }: CommandContext, kinds: readonly PruneKind[], flags: Flags) {
  const filters = await pruneFilters(terminal, flags.filter);
  if (kinds.includes("volume") && filters.until !== undefined) {
    if (kinds.length === 1) throw new StatusError("invalid filter 'until'");
    throw new StatusError('ERROR: The "until" filter is not supported with "--volumes"');
  }
  const { force, format, "dry-run": dryRun } = flags;
  const plan = await engine.system.prunePlan({
    kinds,
    all: flags.all ?? false,
    allVolumes: flags.allVolumes ?? false,
    filters,
  });
  if (!force || dryRun) await terminal.out(await describePlan(plan, format));
  if (dryRun) return 0;
  if (!force && (plan.Items.length === 0 || !await isConfirmed(terminal, format))) return 0;
  const report = await engine.system.prune({ kinds }, plan.Items);
  await terminal.out(await describeReport(report, format, kinds));
  for (const retained of [...force ? plan.Kept : [], ...report.Kept]) {
    await terminal.err(`tsd: ${printableLine(retainedLine(retained))}\n`);
  }
  return report.Kept.some(({ Failed }) => Failed) ? 1 : 0;
}

/** Asks for confirmation; only `y` confirms. With a format, for programs, the question is on standard error. */
async function isConfirmed(terminal: CommandContext["terminal"], format: string | undefined): Promise<boolean> {
  const question = "Are you sure you want to continue? [y/N] ";
  const print = (text: string) => format ? terminal.err(text) : terminal.out(text);
  await print(question);
  using prompt = new Prompt(terminal);
  const answer = await prompt.line("");
  // At the end of input no Enter has ended the line.
  if (answer === undefined) await print("\n");
  const isYes = answer?.trim().toLowerCase() === "y";
  if (!isYes) await print("Nothing was removed.\n");
  return isYes;
}
