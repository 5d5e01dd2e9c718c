import type { ImageSummary } from "../../api_types/mod.ts";
import { defineCommand, humanDuration, humanSize } from "../../cli/mod.ts";
import { configuredFormat } from "../formatter/configured_format.ts";
import type { CommandContext } from "../context.ts";
import {
  FORMAT_HELP,
  goTime,
  isUsualTable,
  type ListRow,
  type ListView,
  parseFilters,
  renderList,
  shortId,
} from "../formatter/list_format.ts";
import { refusedFlags } from "../container/refused_flags.ts";

export type ImageField =
  | "Containers"
  | "CreatedAt"
  | "CreatedSince"
  | "Digest"
  | "ID"
  | "Repository"
  | "SharedSize"
  | "Size"
  | "Tag"
  | "UniqueSize"
  | "VirtualSize";

type Row = ListRow<ImageField>;

export const IMAGE_VIEW: ListView<ImageField> = {
  typeName: "*formatter.imageContext",
  titles: {
    Containers: "CONTAINERS",
    CreatedAt: "CREATED AT",
    CreatedSince: "CREATED",
    Digest: "DIGEST",
    ID: "IMAGE ID",
    Repository: "REPOSITORY",
    SharedSize: "SHARED SIZE",
    Size: "SIZE",
    Tag: "TAG",
    UniqueSize: "UNIQUE SIZE",
    VirtualSize: "SIZE",
  },
  columns: ["Repository", "Tag", "ID", "CreatedSince", "Size"],
};
const WITH_DIGESTS: ListView<ImageField> = {
  ...IMAGE_VIEW,
  columns: ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"],
};

const rawLines = (digest: string): string =>
  `repository: {{.Repository}}\ntag: {{.Tag}}\n${digest}image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\n` +
  "virtual_size: {{.Size}}\n";
/** The formats that `--format raw` stands for. */
const RAW = rawLines("");
export const RAW_WITH_DIGESTS = rawLines("digest: {{.Digest}}\n");
const RAW_QUIET = "image_id: {{.ID}}";
export const NONE = "<none>";

/** `tsd images`. */
export const images = defineCommand({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  args: { min: 0, max: 1 },
  flags: {
    all: { type: "bool", short: "a", help: "Show all images (default hides intermediate images)" },
    digests: { type: "bool", help: "Show digests" },
    filter: { type: "list", short: "f", valueName: "filter", help: "Filter output based on conditions provided" },
    format: { type: "string", help: FORMAT_HELP },
    "no-trunc": { type: "bool", help: "Don't truncate output" },
    quiet: { type: "bool", short: "q", help: "Only show image IDs" },
    ...refusedFlags(["tree"]),
  },
  examples: [{ line: "images --digests alpine", note: "All tags of one repository, with their digests" }],
  async run({ terminal, engine }: CommandContext, { args: [reference], flags }) {
    const typed = flags.format ?? "";
    const given = typed !== "" || flags.quiet ? typed : await configuredFormat(terminal, "imagesFormat");
    const format = imageFormat(given, flags.quiet, flags.digests);
    const filters = { ...parseFilters(flags.filter) };
    if (reference !== undefined) filters.reference = [...(filters.reference ?? []), reference];
    const found = await engine.images.list({ all: flags.all, filters });
    const digests = { shown: flags.digests, known: flags.digests || format.includes("{{.Digest}}") };
    const rows = found.flatMap((image) => imageRows(image, Date.now(), flags["no-trunc"], digests));
    // The most common format needs no template.
    if (format === "{{.ID}}") await terminal.out(rows.map(({ ID }) => `${ID}\n`).join(""));
    else await terminal.out(await renderList(flags.digests ? WITH_DIGESTS : IMAGE_VIEW, format, rows));
    return 0;
  },
});

function imageFormat(given: string, quiet: boolean, digests: boolean): string {
  if (given === "raw") return quiet ? RAW_QUIET : digests ? RAW_WITH_DIGESTS : RAW;
  if (isUsualTable(given)) return quiet ? "{{.ID}}" : given;
  const lacks = digests && given.startsWith("table") && !given.includes("{{.Digest}}");
  return lacks ? `${given}\t{{.Digest}}` : given;
}

/** How digests are listed. */
interface Digests {
  /** Each digest of an untagged repository has its row. */
  readonly shown: boolean;
  /** The rows of tags have digests. */
  readonly known: boolean;
}

/**
 * Returns an image's rows: one per tag, then those of repositories that have only digests. An image without either has one
 * row.
 */
export function imageRows(image: ImageSummary, nowMs: number, full: boolean, { shown, known }: Digests): Row[] {
  const tags = byRepository((image.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>"), ":");
  const digests = byRepository((image.RepoDigests ?? []).filter((name) => name !== "<none>@<none>"), "@");
  const names: Name[] = [];
  for (const [repository, ofRepository] of tags) {
    const cells = known ? digests.get(repository) ?? [NONE] : [NONE];
    digests.delete(repository);
    for (const tag of ofRepository) names.push(...cells.map((digest) => [repository, tag, digest] satisfies Name));
  }
  for (const [repository, ofRepository] of digests) {
    names.push(...(shown ? ofRepository : [""]).map((digest) => [repository, NONE, digest] satisfies Name));
  }
  return (names.length === 0 ? [[NONE, NONE, NONE] satisfies Name] : names)
    .map((name) => imageRow(image, name, nowMs, full));
}

export type Name = [repository: string, tag: string, digest: string];

export function imageRow(image: ImageSummary, [repository, tag, digest]: Name, nowMs: number, full: boolean): Row {
  return {
    Containers: image.Containers < 0 ? "N/A" : String(image.Containers),
    CreatedAt: goTime(image.Created),
    CreatedSince: `${humanDuration(nowMs - image.Created * 1000)} ago`,
    Digest: digest,
    ID: full ? image.Id : shortId(image.Id),
    Repository: repository,
    SharedSize: image.SharedSize < 0 ? "N/A" : humanSize(image.SharedSize),
    Size: humanSize(image.Size, 3),
    Tag: tag,
    UniqueSize: image.SharedSize < 0 ? "N/A" : humanSize(image.Size - image.SharedSize),
    VirtualSize: humanSize(image.Size),
  };
}

/** Splits names at the last `separator` and groups the second parts (tags or digests) by repository. */
function byRepository(names: readonly string[], separator: ":" | "@"): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) {
    const at = name.lastIndexOf(separator);
    const [repository, rest] = [name.slice(0, at), name.slice(at + 1)];
    found.set(repository, [...found.get(repository) ?? [], rest]);
  }
  return found;
}
