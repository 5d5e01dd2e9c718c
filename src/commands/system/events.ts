import { defineCommand, printableLine } from "../../cli/mod.ts";
import type { ReceivedEvent } from "../../client/events.ts";
import type { CommandContext } from "../context.ts";
import { OBJECT_FORMAT_HELP, parseFilters } from "../formatter/list_format.ts";
import { parseTimestamp } from "../opts/timestamp.ts";

const NANOS_PER_MS = 1_000_000n;

/** `tsd events`. */
export const events = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: {
    filter: { type: "list", short: "f", valueName: "filter", help: "Filter output based on conditions provided" },
    format: { type: "string", help: OBJECT_FORMAT_HELP },
    since: { type: "string", help: "Show all events created since timestamp" },
    until: { type: "string", help: "Stream events until this timestamp" },
  },
  examples: [
    { line: "events --since 10m --until 0s", note: "What happened in the last ten minutes" },
    { line: "events -f container=web -f event=die --format json", note: "Each end of a container, for programs" },
  ],
  async run({ terminal, engine }: CommandContext, { flags }) {
    const line = await eventFormat(flags.format);
    const now = Date.now();
    const requested = {
      since: parseTimestamp(flags.since, now),
      until: parseTimestamp(flags.until, now),
      filters: parseFilters(flags.filter),
    };
    for await (const event of engine.followEvents(requested)) await terminal.out(`${line(event)}\n`);
    return 0;
  },
});

/** Returns the formatter of an event. @throws {StatusError} for an invalid template, before any event arrives */
async function eventFormat(format: string | undefined): Promise<(event: ReceivedEvent) => string> {
  if (format === undefined || format === "") return eventLine;
  if (format === "json") return ({ text }) => text;
  const { objectTemplate, shaped } = await import("../formatter/object_template.ts");
  const why = "Error parsing format: ";
  const render = objectTemplate(format, { parse: why, execute: why, executeExit: 64 });
  render(shaped("*events.Message", {}));
  return ({ message, text, timeNano }) =>
    render(shaped("*events.Message", { ...message, timeNano: String(timeNano) }, text));
}

/** Formats an event: `2025-11-24T01:02:03.000000004Z container start ID (image=alpine, name=web)`. */
export function eventLine({ message: { Type, Action, Actor }, timeNano }: ReceivedEvent): string {
  const attributes = Object.entries(Actor.Attributes ?? {}).toSorted(([a], [b]) => a < b ? -1 : 1);
  const shown = attributes.length === 0 ? "" : ` (${attributes.map(([key, value]) => `${key}=${value}`).join(", ")})`;
  return printableLine(`${localTime(timeNano)} ${Type} ${Action} ${Actor.ID}${shown}`);
}

/** Formats a Unix time in ns as RFC 3339 with nanoseconds, in this machine's time zone. */
export function localTime(timeNano: bigint): string {
  const unixMs = Number(timeNano / NANOS_PER_MS);
  const eastMinutes = -new Date(unixMs).getTimezoneOffset();
  const seconds = new Date(unixMs + eastMinutes * 60_000).toISOString().slice(0, -5);
  const fraction = String(timeNano % 1_000_000_000n).padStart(9, "0");
  return `${seconds}.${fraction}${zone(eastMinutes)}`;
}

function zone(eastMinutes: number): string {
  if (eastMinutes === 0) return "Z";
  const minutes = Math.abs(eastMinutes);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${eastMinutes < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
