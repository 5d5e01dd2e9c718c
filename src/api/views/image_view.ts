/**
 * @module
 * Images in the shapes of the Engine API.
 */
import type { CatalogImage } from "../../engine/images/image_catalog.ts";
import type { ContainerDefaults } from "../../image/config.ts";
import { TsdError } from "../../errors.ts";
import { parseGoDuration } from "../../units.ts";
import type { Filters } from "../http/query.ts";
import type { ImageConfig, ImageHistoryItem, ImageInspect, ImageSummary } from "../wire/mod.ts";
import { hasLabel } from "./container_filters.ts";

export const IMAGE_FILTER_KEYS = ["dangling", "label", "reference", "before", "since", "until"];

/** One row of `GET /images/json`. */
export function summariseImage({ record, config, names }: CatalogImage, containers: number): ImageSummary {
  return {
    Id: record.id,
    ParentId: "",
    RepoTags: names.tags,
    RepoDigests: names.repoDigests,
    Created: createdSeconds(config.created),
    Size: record.sizeBytes,
    SharedSize: -1,
    Labels: config.config.labels,
    Containers: containers,
  };
}

/** `GET /images/{name}/json`. */
export function inspectImage({ record, config, names }: CatalogImage, driver: string): ImageInspect {
  const { platform } = config;
  return {
    Id: record.id,
    RepoTags: names.tags,
    RepoDigests: names.repoDigests,
    Parent: "",
    Comment: config.history.at(-1)?.comment ?? "",
    ...(config.created === undefined ? {} : { Created: config.created }),
    DockerVersion: "",
    Author: config.author,
    Config: wireConfig(config.config),
    Architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { Variant: platform.variant }),
    Os: platform.os,
    Size: record.sizeBytes,
    GraphDriver: { Name: driver, Data: null },
    RootFS: { Type: "layers", Layers: record.layers },
    Metadata: { LastTagTime: new Date(record.addedMs).toISOString() },
  };
}

/** `GET /images/{name}/history`, newest first. */
export function imageHistory({ record, config, names }: CatalogImage): ImageHistoryItem[] {
  const items = config.history.map((entry) => ({
    Id: "<missing>",
    Created: createdSeconds(entry.created),
    CreatedBy: entry.createdBy,
    Tags: null as readonly string[] | null,
    Size: 0,
    Comment: entry.comment,
  })).reverse();
  const [newest, ...older] = items;
  return newest === undefined ? [] : [{ ...newest, Id: record.id, Tags: names.tags }, ...older];
}

/**
 * What `filters` leave of an image: of its names only those that fit `reference`. `find` gives the arrival (ms) of the
 * image that `before` or `since` names.
 */
export function filterImage(
  image: CatalogImage,
  filters: Filters,
  find: (name: string) => number,
): CatalogImage | undefined {
  const some = (key: string, test: (value: string) => boolean) => {
    const values = filters.get(key) ?? [];
    return values.length === 0 || values.some(test);
  };
  const { tags } = image.names;
  const passes = some("dangling", (value) => (tags.length === 0) === truth("dangling", value)) &&
    (filters.get("label") ?? []).every((value) => hasLabel(image.config.config.labels, value)) &&
    some("before", (value) => image.record.addedMs < find(value)) &&
    some("since", (value) => image.record.addedMs > find(value)) &&
    some("until", (value) => createdSeconds(image.config.created) * 1000 <= momentMs(value));
  if (!passes) return undefined;
  const patterns = filters.get("reference") ?? [];
  if (patterns.length === 0) return image;
  const fits = (name: string) => patterns.some((pattern) => matchesReference(name, pattern));
  const names = { tags: image.names.tags.filter(fits), repoDigests: image.names.repoDigests.filter(fits) };
  return names.tags.length + names.repoDigests.length === 0 ? undefined : { ...image, names };
}

/** @throws {TsdError} invalid_argument */
function truth(key: string, value: string): boolean {
  if (["1", "t", "true"].includes(value.toLowerCase())) return true;
  if (["0", "f", "false"].includes(value.toLowerCase())) return false;
  throw new TsdError("invalid_argument", `invalid filter '${key}=${value}'`);
}

/** A moment as `until` has it: seconds since 1970, RFC 3339, or a duration before now. @throws {TsdError} invalid_argument */
function momentMs(value: string): number {
  const ago = parseGoDuration(value);
  const ms = /^\d+(\.\d+)?$/.test(value)
    ? Number(value) * 1000
    : ago === undefined
    ? Date.parse(value)
    : Date.now() - ago;
  if (Number.isNaN(ms)) throw new TsdError("invalid_argument", `invalid filter 'until=${value}'`);
  return ms;
}

/** Docker's pattern: `*` and `?` within a path part; without a tag all tags fit. */
function matchesReference(name: string, pattern: string): boolean {
  const source = pattern.replace(/[.+^${}()|\\]/g, "\\$&").replaceAll("*", "[^/]*").replaceAll("?", "[^/]");
  const anchored = new RegExp(`^${source}$`);
  return anchored.test(name) || anchored.test(name.replace(/(@sha256:.*|:[^/:]*)$/, ""));
}

function wireConfig(config: ContainerDefaults): ImageConfig {
  const set = (items: readonly string[]) =>
    Object.fromEntries(items.map((item): [string, Record<string, never>] => [item, {}]));
  return {
    User: config.user,
    Env: config.env,
    Cmd: config.cmd ?? null,
    Entrypoint: config.entrypoint ?? null,
    WorkingDir: config.workingDir,
    Labels: config.labels,
    ...(config.volumes.length === 0 ? {} : { Volumes: set(config.volumes) }),
    ...(config.exposedPorts.length === 0 ? {} : { ExposedPorts: set(config.exposedPorts) }),
    ...(config.stopSignal === undefined ? {} : { StopSignal: config.stopSignal }),
    ...(config.shell === undefined ? {} : { Shell: config.shell }),
    OnBuild: config.onBuild.length === 0 ? null : config.onBuild,
  };
}

function createdSeconds(created: string | undefined): number {
  const ms = created === undefined ? NaN : Date.parse(created);
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}
