import type { ImageSummary } from "../api/wire/mod.ts";
import { defineCommand, humanDuration, humanSize } from "../cli/mod.ts";
import { listImages } from "../client/images.ts";
import type { CommandContext } from "./context.ts";
import { type Column, goTime, listFormat, parseFilters, renderList, shortId } from "./list_format.ts";

type Field =
  | "Containers"
  | "CreatedAt"
  | "CreatedSince"
  | "Digest"
  | "ID"
  | "Repository"
  | "SharedSize"
  | "Size"
  | "Tag"
  | "UniqueSize";

type Row = Readonly<Record<Field, string>>;

const REPOSITORY: Column<Field> = { field: "Repository", head: "REPOSITORY" };
const TAG: Column<Field> = { field: "Tag", head: "TAG" };
const DIGEST: Column<Field> = { field: "Digest", head: "DIGEST" };
const REST: readonly Column<Field>[] = [
  { field: "ID", head: "IMAGE ID" },
  { field: "CreatedSince", head: "CREATED" },
  { field: "Size", head: "SIZE" },
];
const NONE = "<none>";

/** `tsd images`. */
export const images = defineCommand({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  args: { min: 0, max: 1 },
  flags: {
    all: { type: "bool", short: "a", help: "Show all images (default hides intermediate images)" },
    digests: { type: "bool", help: "Show digests" },
    filter: { type: "list", short: "f", valueName: "filter", help: "Filter output based on conditions provided" },
    format: { type: "string", help: "Format output: 'table' (the default) or 'json'" },
    "no-trunc": { type: "bool", help: "Don't truncate output" },
    quiet: { type: "bool", short: "q", help: "Only show image IDs" },
  },
  examples: [{ line: "images --digests alpine", note: "All tags of one repository, with their digests" }],
  async run({ terminal, engine }: CommandContext, { args: [reference], flags }) {
    const format = listFormat(flags.format);
    const filters = { ...parseFilters(flags.filter) };
    if (reference !== undefined) filters.reference = [...(filters.reference ?? []), reference];
    const found = await listImages(engine, { all: flags.all, filters });
    const rows = found.flatMap((image) => imageRows(image, Date.now(), flags["no-trunc"], flags.digests));
    const columns = [REPOSITORY, TAG, ...(flags.digests ? [DIGEST] : []), ...REST];
    const quiet = flags.quiet && flags.format === undefined;
    await terminal.out(quiet ? rows.map(({ ID }) => `${ID}\n`).join("") : renderList(format, columns, rows));
    return 0;
  },
});

/** An image's rows: one a tag; one without tag for a repository that only has a digest, or for none at all. */
export function imageRows(image: ImageSummary, nowMs: number, full: boolean, digests: boolean): Row[] {
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>").map(splitTag);
  const byRepository = new Map(
    (image.RepoDigests ?? []).filter((name) => name !== "<none>@<none>").map((name) => {
      const at = name.lastIndexOf("@");
      return [name.slice(0, at), name.slice(at + 1)];
    }),
  );
  const untagged = [...byRepository.keys()].filter((name) => !tags.some(([repository]) => repository === name))
    .map((name): [string, string] => [name, NONE]);
  // Repositories that are known by digest only matter where there is no tag, or where digests are asked for.
  const names = tags.length === 0 || digests ? [...tags, ...untagged] : tags;
  return (names.length === 0 ? [[NONE, NONE]] : names).map(([repository, tag]) => ({
    Containers: image.Containers < 0 ? "N/A" : String(image.Containers),
    CreatedAt: goTime(image.Created),
    CreatedSince: `${humanDuration(nowMs - image.Created * 1000)} ago`,
    Digest: byRepository.get(repository) ?? NONE,
    ID: full ? image.Id : shortId(image.Id),
    Repository: repository,
    SharedSize: image.SharedSize < 0 ? "N/A" : humanSize(image.SharedSize, 3),
    Size: humanSize(image.Size, 3),
    Tag: tag,
    UniqueSize: image.SharedSize < 0 ? "N/A" : humanSize(image.Size - image.SharedSize, 3),
  }));
}

function splitTag(name: string): [string, string] {
  const colon = name.lastIndexOf(":");
  return [name.slice(0, colon), name.slice(colon + 1)];
}
