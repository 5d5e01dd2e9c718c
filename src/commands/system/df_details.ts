/**
 * `system df -v`: lists all objects. Loaded only for it.
 */
import type { BuildCacheRecord, DiskUsage, ImageSummary } from "../../api_types/mod.ts";
import { humanDuration, humanSize } from "../../cli/mod.ts";
import { IMAGE_VIEW, type ImageField, imageRow, type Name, NONE, RAW_WITH_DIGESTS } from "../image/list.ts";
import {
  escapedJson,
  type ListRow,
  type ListView,
  renderList,
  shortId,
  templateFailure,
} from "../formatter/list_format.ts";
import { CONTAINER_VIEW, type ContainerField, containerRow, RAW_WITH_SIZE, rowMethods } from "../container/list.ts";
import { VOLUME_VIEW, type VolumeField, volumeMethods, volumeRow } from "../volume/list.ts";

const IMAGES: ListView<ImageField> = {
  ...IMAGE_VIEW,
  columns: ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"],
};
const CONTAINERS: ListView<ContainerField> = {
  ...CONTAINER_VIEW,
  columns: ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"],
};

const VOLUMES: ListView<VolumeField> = { ...VOLUME_VIEW, columns: ["Name", "Links", "Size"] };

type CacheField =
  | "CacheType"
  | "CreatedAt"
  | "CreatedSince"
  | "Description"
  | "ID"
  | "InUse"
  | "LastUsedAt"
  | "LastUsedSince"
  | "Parent"
  | "Shared"
  | "Size"
  | "UsageCount";

const CACHES: ListView<CacheField> = {
  typeName: "*formatter.buildCacheContext",
  titles: {
    CacheType: "CACHE TYPE",
    CreatedAt: "CREATED AT",
    CreatedSince: "CREATED",
    Description: "DESCRIPTION",
    ID: "CACHE ID",
    InUse: "IN USE",
    LastUsedAt: "LAST USED AT",
    LastUsedSince: "LAST USED",
    Parent: "PARENT",
    Shared: "SHARED",
    Size: "SIZE",
    UsageCount: "USAGE",
  },
  columns: ["ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared"],
};

/** Renders Docker's four tables. */
export async function detailTables(usage: DiskUsage): Promise<string> {
  const { images, containers, volumes, caches } = rowsOf(usage, false);
  const cacheBytes = (usage.BuildCache ?? []).reduce((sum, { Size, Shared }) => sum + (Shared ? 0 : Size), 0);
  return [
    `Images space usage:\n\n${await renderList(IMAGES, "", images)}`,
    `Containers space usage:\n\n${await renderList(CONTAINERS, "", containers)}`,
    `Local Volumes space usage:\n\n${await renderList(VOLUMES, "", volumes)}`,
    `Build cache usage: ${humanSize(cacheBytes)}\n\n${await renderList(CACHES, "", caches)}`,
  ].join("\n");
}

/** The format that `--format raw` stands for. */
const RAW = `{{range .Images}}type: Image\n${RAW_WITH_DIGESTS}\n{{end -}}\n` +
  `{{range .Containers}}type: Container\n${RAW_WITH_SIZE}\n{{end -}}\n` +
  "{{range .Volumes}}type: Volume\nname: {{.Name}}\ndriver: {{.Driver}}\n\n{{end -}}\n" +
  "{{range .BuildCache}}type: Build Cache\nbuild_cache_id: {{.ID}}\nparent_id: {{.Parent}}\n" +
  "build_cache_type: {{.CacheType}}\ndescription: {{.Description}}\ncreated_at: {{.CreatedAt}}\n" +
  "created_since: {{.CreatedSince}}\nlast_used_at: {{.LastUsedAt}}\nlast_used_since: {{.LastUsedSince}}\n" +
  "usage_count: {{.UsageCount}}\nin_use: {{.InUse}}\nshared: {{.Shared}}\n\n{{end -}}";

/** Renders a template. Unlike in listings, it is executed once on all objects. @throws {StatusError} */
export async function detailsByTemplate(usage: DiskUsage, format: string): Promise<string> {
  const { images, containers, volumes, caches } = rowsOf(usage, !format.startsWith("table"));
  const lists = { Images: images, Containers: containers, Volumes: volumes, BuildCache: caches };
  if (format === "json") return escapedJson(lists);
  const [{ rowStruct }, { Struct, Template, TemplateError }] = await Promise.all([
    import("../formatter/list_template.ts"),
    import("../../cli/template/mod.ts"),
  ]);
  const structs = new Struct("*formatter.diskUsageContext", {
    Images: images.map((row) => rowStruct(IMAGES.typeName, row)),
    Containers: containers.map((row, at) =>
      rowStruct(CONTAINERS.typeName, row, usage.Containers && rowMethods(usage.Containers[at]) || {})
    ),
    Volumes: volumes.map((row, at) =>
      rowStruct(VOLUMES.typeName, row, usage.Volumes && volumeMethods(usage.Volumes[at]) || {})
    ),
    BuildCache: caches.map((row) => rowStruct(CACHES.typeName, row)),
  });
  const text = (format === "raw" ? RAW : format.replace(/^table/, "")).replace(/^ +| +$/g, "")
    .replaceAll("\\t", "\t").replaceAll("\\n", "\n");
  const attempt = <T>(what: string, act: () => T): T => {
    try {
      return act();
    } catch (thrown) {
      if (thrown instanceof TemplateError) throw templateFailure(what + thrown.message);
      throw thrown;
    }
  };
  const template = attempt("template parsing error: ", () => new Template(text));
  return attempt("", () => template.execute(structs));
}

interface Rows {
  readonly images: ListRow<ImageField>[];
  readonly containers: ListRow<ContainerField>[];
  readonly volumes: ListRow<VolumeField>[];
  readonly caches: ListRow<CacheField>[];
}

/** @param full don't truncate ids and commands */
function rowsOf({ Images, Containers, Volumes, BuildCache }: DiskUsage, full: boolean): Rows {
  const nowMs = Date.now();
  return {
    images: (Images ?? []).map((image) => imageRow(image, firstName(image), nowMs, full)),
    // The size of the image isn't included in that of its containers.
    containers: (Containers ?? []).map((each) => containerRow({ ...each, SizeRootFs: 0 }, nowMs, full)),
    volumes: (Volumes ?? []).map(volumeRow),
    caches: (BuildCache ?? []).toSorted(byLastUse).map((each) => cacheRow(each, nowMs, full)),
  };
}

/** Returns the first tag of an image, the only one that Docker shows. */
function firstName({ RepoTags }: ImageSummary): Name {
  const tag = RepoTags?.find((name) => name !== "<none>:<none>");
  const at = tag?.lastIndexOf(":") ?? -1;
  return tag === undefined ? [NONE, NONE, ""] : [tag.slice(0, at), tag.slice(at + 1), ""];
}

function cacheRow(cache: BuildCacheRecord, nowMs: number, full: boolean): ListRow<CacheField> {
  const ago = (time: string | null) => time === null ? "" : `${humanDuration(nowMs - Date.parse(time))} ago`;
  const short = (id: string) => full ? id : shortId(id);
  return {
    CacheType: cache.Type,
    CreatedAt: cache.CreatedAt,
    CreatedSince: ago(cache.CreatedAt),
    Description: cache.Description,
    ID: short(cache.ID) + (cache.InUse ? "*" : ""),
    InUse: String(cache.InUse),
    LastUsedAt: cache.LastUsedAt ?? "",
    LastUsedSince: ago(cache.LastUsedAt),
    Parent: short((cache.Parents ?? []).join(", ")),
    Shared: String(cache.Shared),
    Size: humanSize(cache.Size, 3),
    UsageCount: String(cache.UsageCount),
  };
}

/** Compares by last use: the least recently used entry comes first, entries that were never used before all others. */
function byLastUse(a: BuildCacheRecord, b: BuildCacheRecord): number {
  const [usedA, usedB] = [a, b].map(({ LastUsedAt }) => LastUsedAt === null ? -Infinity : Date.parse(LastUsedAt));
  return usedA === usedB ? (a.ID < b.ID ? -1 : 1) : usedA - usedB;
}
