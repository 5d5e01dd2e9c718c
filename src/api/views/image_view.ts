/**
 * @module
 * Converts images to the types of the Engine API.
 */
import type { CatalogImage } from "../../engine/images/image_catalog.ts";
import type { ContainerDefaults, Healthcheck } from "../../image/config.ts";
import { type ApiVersion, atLeast } from "../http/version.ts";
import type { HealthConfig, ImageConfig, ImageHistoryItem, ImageInspect, ImageSummary } from "../../api_types/mod.ts";

/** Go's zero time, which Docker returns for "never". */
const NEVER = "0001-01-01T00:00:00Z";

/** Input of {@link summariseImage} besides the image. */
export interface SummaryContext {
  /** Number of containers created from the image; omitted if not counted. */
  readonly containers?: number;
  /** Bytes of layers shared with other images; omitted if not counted. */
  readonly sharedBytes?: number | undefined;
  /** API version of the client. */
  readonly version: ApiVersion;
}

/** Returns a row of `GET /images/json`. */
export function summariseImage(
  { record, config, names }: CatalogImage,
  { containers = -1, sharedBytes = -1, version }: SummaryContext,
): ImageSummary {
  const isNameless = names.tags.length === 0 && names.repoDigests.length === 0;
  const shown = isNameless && !atLeast(version, "1.43") ? NAMELESS : names;
  return {
    Id: record.id,
    ParentId: "",
    RepoTags: shown.tags,
    RepoDigests: shown.repoDigests,
    Created: createdSeconds(config.created),
    Size: record.sizeBytes,
    ...virtualSize(record.sizeBytes, version),
    SharedSize: sharedBytes,
    Labels: config.config.labels,
    Containers: containers,
  };
}

/** The placeholder names of an image without a name, for clients before API 1.43. */
const NAMELESS = { tags: ["<none>:<none>"], repoDigests: ["<none>@<none>"] };

const virtualSize = (bytes: number, version: ApiVersion) => atLeast(version, "1.44") ? {} : { VirtualSize: bytes };

/** Returns the body of `GET /images/{name}/json`. */
export function inspectImage(
  { record, config, names }: CatalogImage,
  { driver, version }: { readonly driver: string; readonly version: ApiVersion },
): ImageInspect {
  const { platform } = config;
  return {
    Id: record.id,
    RepoTags: names.tags,
    RepoDigests: names.repoDigests,
    Parent: "",
    Comment: config.comment || config.history.at(-1)?.comment || "",
    ...createdField(config.created, version),
    DockerVersion: config.dockerVersion,
    Author: config.author,
    Config: wireConfig(config.config),
    Architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { Variant: platform.variant }),
    Os: platform.os,
    ...(platform.osVersion === undefined ? {} : { OsVersion: platform.osVersion }),
    Size: record.sizeBytes,
    ...virtualSize(record.sizeBytes, version),
    GraphDriver: { Name: driver, Data: null },
    RootFS: { Type: "layers", Layers: record.layers },
    Metadata: { LastTagTime: record.taggedMs === undefined ? NEVER : new Date(record.taggedMs).toISOString() },
  };
}

/** An image may lack its creation time, which clients before API 1.44 require. */
function createdField(created: string | undefined, version: ApiVersion): { Created?: string } {
  if (created !== undefined) return { Created: created };
  return atLeast(version, "1.44") ? {} : { Created: NEVER };
}

/**
 * Returns the body of `GET /images/{name}/history`, newest entry first.
 * @param sizes size of each layer in bytes by its diffID
 */
export function imageHistory(
  { record, config, names }: CatalogImage,
  sizes: ReadonlyMap<string, number>,
): ImageHistoryItem[] {
  let layers = 0;
  const items = config.history.map((entry): ImageHistoryItem => ({
    Id: "<missing>",
    Created: createdSeconds(entry.created),
    CreatedBy: entry.createdBy,
    Tags: null,
    Size: entry.emptyLayer ? 0 : sizes.get(record.layers[layers++]) ?? 0,
    Comment: entry.comment,
  })).reverse();
  const [newest, ...older] = items;
  const tags = names.tags.length === 0 ? null : names.tags;
  return newest === undefined ? [] : [{ ...newest, Id: record.id, Tags: tags }, ...older];
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
    ...(config.healthcheck === undefined ? {} : { Healthcheck: wireHealthcheck(config.healthcheck) }),
    OnBuild: config.onBuild.length === 0 ? null : config.onBuild,
  };
}

/** Omits zero values, as Go does. */
function wireHealthcheck(check: Healthcheck): HealthConfig {
  const { test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries } = check;
  const numbers = {
    Interval: intervalNs,
    Timeout: timeoutNs,
    StartPeriod: startPeriodNs,
    StartInterval: startIntervalNs,
    Retries: retries,
  };
  return {
    ...(test.length === 0 ? {} : { Test: test }),
    ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0)),
  };
}

function createdSeconds(created: string | undefined): number {
  const ms = created === undefined ? NaN : Date.parse(created);
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}
