import type { PruneItem, PrunePlan, PruneReport, PruneRetained } from "../../api_types/mod.ts";
import { humanSize, printable } from "../../cli/mod.ts";
import { isUsualTable, type ListRow, type ListView, renderList, shortId } from "../formatter/list_format.ts";

type Field = "Bytes" | "ID" | "Kind" | "Name" | "Size" | "Why";

const VIEW: ListView<Field> = {
  typeName: "*tsd.pruneItem",
  titles: { Bytes: "BYTES", ID: "ID", Kind: "KIND", Name: "NAME", Size: "SIZE", Why: "WHY" },
  columns: ["Kind", "ID", "Name", "Size", "Why"],
};

/** The names of kinds: singular and plural. */
const NOUNS: Readonly<Record<PruneItem["Kind"], readonly [one: string, several: string]>> = {
  container: ["container", "containers"],
  network: ["network", "networks"],
  volume: ["volume", "volumes"],
  image: ["image", "images"],
  download: ["interrupted download", "interrupted downloads"],
  "build-cache": ["build cache entry", "build cache entries"],
};

/** Docker's headings for removed objects, in its order. */
const HEADS: readonly (readonly [kind: Exclude<PruneItem["Kind"], "image">, head: string, name: "ID" | "Names"])[] = [
  ["container", "Deleted Containers:", "ID"],
  ["network", "Deleted Networks:", "Names"],
  ["volume", "Deleted Volumes:", "Names"],
];

/** Renders a plan: what would be removed, why, and its size. */
export async function describePlan(plan: PrunePlan, format: string | undefined): Promise<string> {
  if (format === "json") return `${JSON.stringify(plan)}\n`;
  if (!isUsualTable(format)) return await rendered(plan.Items, format);
  const isEmpty = plan.Items.length === 0;
  return [
    isEmpty ? "" : await rendered(plan.Items, ""),
    plan.Kept.map((each) => `${printable(retainedLine(each))}\n`).join(""),
    isEmpty ? "Nothing to remove.\n" : `${countText(plan)}\n`,
  ].filter((part) => part !== "").join("\n");
}

/** Renders what was removed, as docker's `prune` does. */
export async function describeReport(
  report: PruneReport,
  format: string | undefined,
  kinds: readonly PruneItem["Kind"][],
): Promise<string> {
  if (format === "json") return `${JSON.stringify(report)}\n`;
  if (!isUsualTable(format)) return await rendered(report.Removed, format);
  const sections = HEADS.map(([kind, head, name]) => {
    const removed = report.Removed.filter(({ Kind }) => Kind === kind);
    return section(head, removed.map((item) => name === "ID" ? item.ID : item.Names[0] ?? item.ID));
  });
  const images = report.ImagesDeleted.map(({ Untagged, Deleted }) =>
    Deleted ? `deleted: ${Deleted}` : `untagged: ${Untagged}`
  );
  const caches = report.Removed.filter(({ Kind }) => Kind === "build-cache").map(({ ID }) => ID);
  return printable([
    ...sections,
    section("Deleted Images:", images),
    section("Deleted build cache objects:", caches),
    // Networks take no space, and docker prints none.
    kinds.every((kind) => kind === "network") ? "" : `Total reclaimed space: ${humanSize(report.SpaceReclaimed)}\n`,
  ].join(""));
}

const section = (head: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : `${head}\n${lines.map((line) => `${line}\n`).join("")}\n`;

/** Formats why an object was kept. */
export function retainedLine({ Kind, ID, Names, Why, Failed = false }: PruneRetained): string {
  const thing = `${NOUNS[Kind][0]} ${Names.length === 0 ? shortId(ID) : shownNames(Names)}`;
  return Failed ? `cannot remove ${thing}: ${Why}` : `${thing} stays: ${Why}`;
}

const rendered = (items: readonly PruneItem[], format: string | undefined): Promise<string> =>
  renderList(VIEW, format, items.map(itemRow));

function itemRow({ Kind, ID, Names, Why, Bytes }: PruneItem): ListRow<Field> {
  return {
    Bytes: String(Bytes),
    ID: shortId(ID),
    Kind: NOUNS[Kind][0],
    Name: shownNames(Names),
    Size: humanSize(Bytes, 3),
    Why,
  };
}

/** Formats names without digests. For an image that has only digests, they give the repository. */
function shownNames(names: readonly string[]): string {
  const tags = names.filter((name) => !name.includes("@"));
  if (tags.length > 0) return tags.join(", ");
  return names.length === 0 ? "<none>" : `${names[0].split("@", 1)[0]}:<none>`;
}

/** Formats the counts and the total: `2 containers, 1 image: 55.2MB in all.` */
function countText({ Items, SpaceReclaimable }: PrunePlan): string {
  const counts = (Object.keys(NOUNS) as PruneItem["Kind"][]).flatMap((kind) => {
    const count = Items.filter(({ Kind }) => Kind === kind).length;
    return count === 0 ? [] : [`${count} ${NOUNS[kind][count === 1 ? 0 : 1]}`];
  });
  return `${counts.join(", ")}: ${humanSize(SpaceReclaimable)} in all.`;
}
