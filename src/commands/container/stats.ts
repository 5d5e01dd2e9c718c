import type { ContainerStats } from "../../api_types/mod.ts";
import { defineCommand, printableLine, type Terminal } from "../../cli/mod.ts";
import type { Client } from "../../client/client.ts";
import type { TsdError } from "../../errors.ts";
import { toTsdError } from "../../errors.ts";
import { configuredFormat } from "../formatter/configured_format.ts";
import type { CommandContext } from "../context.ts";
import { FORMAT_HELP, isUsualTable, renderList, shortId } from "../formatter/list_format.ts";
import { StatsBoard } from "./stats_display.ts";
import { blankRow, STATS_VIEW, type StatsField, statsRow } from "./stats_row.ts";

/** The interval between two updates of the live table. */
const REFRESH_MS = 500;
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

type Row = Record<StatsField, string>;
type Render = (rows: readonly Row[]) => Promise<string>;

/** `tsd stats`. */
export const stats = defineCommand({
  usage: "[OPTIONS] [CONTAINER...]",
  args: { min: 0 },
  flags: {
    all: { type: "bool", short: "a", help: "Show all containers (default shows just running)" },
    format: { type: "string", help: FORMAT_HELP },
    "no-stream": { type: "bool", help: "Disable streaming stats and only pull the first result" },
    "no-trunc": { type: "bool", help: "Do not truncate output" },
  },
  examples: [
    { line: "stats", note: "All running containers, live" },
    { line: "stats --no-stream --format json web", note: "One sample, for programs" },
  ],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    const format = flags.format || await configuredFormat(terminal, "statsFormat");
    const render: Render = (rows) => renderList(STATS_VIEW, format, rows);
    const isTable = isUsualTable(format) || format.startsWith("table");
    const full = flags["no-trunc"];
    if (flags["no-stream"]) return await once({ terminal, engine, full, render }, args, flags.all);
    return await live(
      { terminal, engine, full, render: isTable ? redrawing(terminal, render) : render },
      args,
      flags.all,
    );
  },
});

interface View {
  readonly terminal: Terminal;
  readonly engine: Client;
  /** Show full ids. */
  readonly full: boolean;
  readonly render: Render;
}

/** Prints one sample of each container: of the named ones, or of all running ones (`all`: of all containers). */
async function once({ terminal, engine, full, render }: View, args: readonly string[], all: boolean) {
  const names = args.length > 0 ? args : (await engine.containers.list({ all })).map(({ Id }) => shortId(Id));
  const found = await Promise.allSettled(names.map((name) => firstSample(engine, name)));
  const failures = found.filter((result) => result.status === "rejected").map(({ reason }) => toTsdError(reason));
  // A container that was removed in the meantime is a failure only if it was named.
  if (args.length > 0 && failures.length > 0) return await fail(terminal, failures);
  const rows = found.flatMap((result, at) =>
    result.status === "fulfilled" && result.value !== undefined ? [statsRow(names[at], result.value, full)] : []
  );
  await terminal.out(await render(rows));
  return 0;
}

async function firstSample(engine: Client, name: string): Promise<ContainerStats | undefined> {
  const { signal } = new AbortController();
  for await (const sample of engine.containers.get(name).stats({ stream: false, signal })) return sample;
}

/** Prints samples repeatedly, until no container is left or the engine ends the stream. */
async function live({ terminal, engine, full, render }: View, args: readonly string[], all: boolean) {
  using board = new StatsBoard(engine);
  for (const name of args) board.follow(name);
  let end: { readonly failure: TsdError | undefined } | undefined;
  if (args.length === 0) await board.followAll(all, (failure) => end = { failure });
  const failures = await board.settled();
  if (args.length > 0 && failures.length > 0) return await fail(terminal, failures);
  while (end === undefined && (args.length === 0 || board.rows.length > 0)) {
    const rows = board.rows.map(({ requested, latest }) =>
      latest === undefined ? blankRow(requested) : statsRow(requested, latest, full)
    );
    await terminal.out(await render(rows));
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
  if (end?.failure !== undefined) throw end.failure;
  return 0;
}

/** Makes each output replace the previous one if standard output is a terminal. */
function redrawing(terminal: Terminal, render: Render): Render {
  if (!terminal.isTty("stdout")) return render;
  return async (rows) => HOME + (await render(rows)).replaceAll("\n", `${CLEAR_LINE}\n`) + CLEAR_BELOW;
}

async function fail(terminal: Terminal, errors: readonly TsdError[]): Promise<number> {
  for (const { message } of errors) await terminal.err(`tsd: ${printableLine(message)}\n`);
  return 1;
}
