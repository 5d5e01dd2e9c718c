import type { ImageHistoryItem } from "../../api_types/mod.ts";
import { defineCommand, humanDuration, humanSize } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import {
  FORMAT_HELP,
  isUsualTable,
  type ListRow,
  type ListView,
  renderList,
  shortId,
} from "../formatter/list_format.ts";
import { optionalPlatform } from "../opts/platform.ts";

type Field = "Comment" | "CreatedAt" | "CreatedBy" | "CreatedSince" | "ID" | "Size";

const VIEW: ListView<Field> = {
  typeName: "*image.historyContext",
  titles: {
    Comment: "COMMENT",
    CreatedAt: "CREATED AT",
    CreatedBy: "CREATED BY",
    CreatedSince: "CREATED",
    ID: "IMAGE",
    Size: "SIZE",
  },
  columns: ["ID", "CreatedSince", "CreatedBy", "Size", "Comment"],
};
const EXACT: ListView<Field> = { ...VIEW, columns: ["ID", "CreatedAt", "CreatedBy", "Size", "Comment"] };
const CREATED_BY_CHARS = 45;

/** `tsd history`. */
export const history = defineCommand({
  usage: "[OPTIONS] IMAGE",
  args: { min: 1, max: 1 },
  flags: {
    format: { type: "string", help: FORMAT_HELP },
    human: { type: "bool", short: "H", default: true, help: "Print sizes and dates in human readable format" },
    "no-trunc": { type: "bool", help: "Don't truncate output" },
    platform: { type: "string", help: "Show the history of this platform's image (os[/arch[/variant]])" },
    quiet: { type: "bool", short: "q", help: "Only show image IDs" },
  },
  examples: [{ line: "history --no-trunc alpine", note: "The steps that made an image, in full" }],
  async run({ terminal, engine }: CommandContext, { args: [name], flags }) {
    const { format, human, quiet } = flags;
    const rows = (await engine.images.get(name).history(optionalPlatform(flags.platform))).map((item) =>
      historyRow(item, Date.now(), { full: flags["no-trunc"], human })
    );
    const idsOnly = quiet && isUsualTable(format);
    if (idsOnly) await terminal.out(rows.map(({ ID }) => `${ID}\n`).join(""));
    else await terminal.out(await renderList(human ? VIEW : EXACT, format, rows));
    return 0;
  },
});

/** Returns the row of a step, with the fields in the order of Docker's JSON. */
export function historyRow(
  { Id, Created, CreatedBy, Size, Comment }: ImageHistoryItem,
  nowMs: number,
  { full, human }: { readonly full: boolean; readonly human: boolean },
): ListRow<Field> {
  const by = CreatedBy.replaceAll("\t", " ");
  const chars = [...by];
  const at = new Date(Created * 1000).toISOString().replace(/\.000Z$/, "Z");
  return {
    Comment,
    CreatedAt: at,
    CreatedBy: full || chars.length <= CREATED_BY_CHARS ? by : `${chars.slice(0, CREATED_BY_CHARS - 1).join("")}…`,
    CreatedSince: human ? `${humanDuration(nowMs - Created * 1000)} ago` : at,
    ID: full ? Id : Id.startsWith("sha256:") ? shortId(Id) : Id,
    Size: human ? humanSize(Size, 3) : String(Size),
  };
}
