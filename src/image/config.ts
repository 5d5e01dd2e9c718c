/**
 * @module
 * Parses image configs (OCI image-spec v1.1, config.md, and Docker's additions `Healthcheck`, `OnBuild`, `Shell`) from
 * bytes whose digest was verified. The content is untrusted input by the image's author: types are checked, meaning is
 * not.
 */
import { type Digest, isDigest } from "./digest.ts";
import { normalizePlatform, type Platform } from "./platform.ts";
import { type JsonObject, Members, parseStrictJson, unusable } from "./strict_json.ts";

/** How a container's health is probed. Durations are in nanoseconds; 0 is the default. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", "…"]`; empty inherits. */
  readonly test: readonly string[];
  readonly intervalNs: number;
  readonly timeoutNs: number;
  readonly startPeriodNs: number;
  readonly startIntervalNs: number;
  readonly retries: number;
}

/** Defaults for containers of this image. */
export interface ContainerDefaults {
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** Absent differs from empty: an empty list overrides an inherited one. */
  readonly cmd?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  /** Paths as written in the config. */
  readonly volumes: readonly string[];
  /** `80/tcp`. */
  readonly exposedPorts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly shell?: readonly string[];
  readonly healthcheck?: Healthcheck;
  readonly onBuild: readonly string[];
}

/** An entry of `docker history`. */
export interface HistoryEntry {
  /** RFC 3339, as written in the config. */
  readonly created?: string;
  readonly createdBy: string;
  readonly author: string;
  readonly comment: string;
  /** Whether this step created no layer. */
  readonly emptyLayer: boolean;
}

/** An image config. */
export interface ImageConfig {
  readonly platform: Platform;
  /** RFC 3339, as written in the config. */
  readonly created?: string;
  readonly author: string;
  readonly comment: string;
  /** The version of Docker that built the image; empty for newer builders. */
  readonly dockerVersion: string;
  readonly config: ContainerDefaults;
  /** Lowest layer first; the same number as the manifest's layers. */
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
}

const KNOWN = [
  ...["os", "architecture", "variant", "os.version", "created", "author", "comment", "docker_version", "config"],
  ...["rootfs", "history"],
];
const CONFIG_KNOWN = [
  ...["Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Volumes", "ExposedPorts", "Labels", "StopSignal", "Shell"],
  ...["Healthcheck", "OnBuild"],
];
const HEALTHCHECK_KNOWN = ["Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"];
const HISTORY_KNOWN = ["created", "created_by", "author", "comment", "empty_layer"];

/**
 * Parses an image config.
 * @param what names the config in error texts, such as `config of localhost/web:1`
 * @param layerCount number of layers in the manifest; undefined if there is no manifest to compare with
 * @throws {TsdError} manifest_invalid
 */
export function parseImageConfig(bytes: Uint8Array, what: string, layerCount?: number): ImageConfig {
  const members = new Members(parseStrictJson(bytes, what), what, "", KNOWN);
  const diffIds = diffIdsOf(members, what);
  if (layerCount !== undefined && diffIds.length !== layerCount) {
    throw unusable(what, `it names ${diffIds.length} diff_ids, but the manifest has ${layerCount} layers`);
  }
  return {
    platform: normalizePlatform({
      os: members.string("os") || "linux",
      architecture: members.string("architecture") ?? "",
      variant: members.string("variant"),
      osVersion: members.string("os.version"),
    }),
    created: members.string("created"),
    author: members.string("author") ?? "",
    comment: members.string("comment") ?? "",
    dockerVersion: members.string("docker_version") ?? "",
    config: containerDefaults(members.object("config") ?? {}, what),
    diffIds,
    history: (members.objects("history") ?? []).map((raw, index) => historyEntry(raw, what, `history[${index}].`)),
  };
}

function diffIdsOf(members: Members, what: string): Digest[] {
  const raw = members.object("rootfs");
  if (raw === undefined) throw unusable(what, "it has no rootfs");
  const rootfs = new Members(raw, what, "rootfs.", ["type", "diff_ids"]);
  if ((rootfs.string("type") ?? "layers") !== "layers") throw rootfs.wrong("type", `is not "layers"`);
  const diffIds = rootfs.strings("diff_ids") ?? [];
  if (!diffIds.every(isDigest)) throw rootfs.wrong("diff_ids", "has an entry that is not sha256:<64 hex>");
  return diffIds;
}

function containerDefaults(raw: JsonObject, what: string): ContainerDefaults {
  const members = new Members(raw, what, "config.", CONFIG_KNOWN);
  const healthcheck = members.object("Healthcheck");
  return {
    env: members.strings("Env") ?? [],
    cmd: members.strings("Cmd"),
    entrypoint: members.strings("Entrypoint"),
    user: members.string("User") ?? "",
    workingDir: members.string("WorkingDir") ?? "",
    volumes: members.keys("Volumes") ?? [],
    exposedPorts: members.keys("ExposedPorts") ?? [],
    labels: members.stringMap("Labels") ?? {},
    stopSignal: members.string("StopSignal"),
    shell: members.strings("Shell"),
    healthcheck: healthcheck === undefined ? undefined : healthcheckOf(healthcheck, what),
    onBuild: members.strings("OnBuild") ?? [],
  };
}

function healthcheckOf(raw: JsonObject, what: string): Healthcheck {
  const members = new Members(raw, what, "config.Healthcheck.", HEALTHCHECK_KNOWN);
  return {
    test: members.strings("Test") ?? [],
    intervalNs: members.integer("Interval") ?? 0,
    timeoutNs: members.integer("Timeout") ?? 0,
    startPeriodNs: members.integer("StartPeriod") ?? 0,
    startIntervalNs: members.integer("StartInterval") ?? 0,
    retries: members.integer("Retries") ?? 0,
  };
}

function historyEntry(raw: JsonObject, what: string, path: string): HistoryEntry {
  const members = new Members(raw, what, path, HISTORY_KNOWN);
  return {
    created: members.string("created"),
    createdBy: members.string("created_by") ?? "",
    author: members.string("author") ?? "",
    comment: members.string("comment") ?? "",
    emptyLayer: members.boolean("empty_layer") ?? false,
  };
}
