import type { GraphDriverData, HealthConfig } from "./container.ts";
import type { ErrorDetail } from "./error.ts";

export interface OciPlatform {
  architecture: string;
  os: string;
  "os.version"?: string;
  "os.features"?: readonly string[];
  variant?: string;
}

/** A content descriptor of the OCI image specification 1.1. */
export interface OciDescriptor {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  urls?: readonly string[];
  annotations?: Readonly<Record<string, string>>;
  platform?: OciPlatform | null;
  artifactType?: string;
}

/** One row of `GET /images/json`. */
export interface ImageSummary {
  /** `sha256:…` of the image's configuration. */
  Id: string;
  ParentId: string;
  RepoTags: readonly string[];
  RepoDigests: readonly string[];
  /** Seconds since 1970. */
  Created: number;
  /** Bytes. */
  Size: number;
  /** The same, for API 1.43 and older. */
  VirtualSize?: number;
  /** Bytes shared with other images; -1 when it was not calculated. */
  SharedSize: number;
  Labels: Readonly<Record<string, string>> | null;
  /** Containers made from the image; -1 when they were not counted. */
  Containers: number;
  Descriptor?: OciDescriptor | null;
}

/** The configuration that an image gives to its containers, as inspect shows it from 1.50 on. */
export interface ImageConfig {
  User?: string;
  ExposedPorts?: Readonly<Record<string, Record<string, never>>> | null;
  Env?: readonly string[] | null;
  Entrypoint?: readonly string[] | null;
  Cmd?: readonly string[] | null;
  Volumes?: Readonly<Record<string, Record<string, never>>> | null;
  WorkingDir?: string;
  Labels?: Readonly<Record<string, string>> | null;
  StopSignal?: string;
  ArgsEscaped?: boolean;
  Healthcheck?: HealthConfig | null;
  OnBuild?: readonly string[] | null;
  Shell?: readonly string[] | null;
}

/** `GET /images/{name}/json`. */
export interface ImageInspect {
  Id: string;
  RepoTags: readonly string[];
  RepoDigests: readonly string[];
  Parent: string;
  Comment: string;
  /** RFC 3339 with nanoseconds. */
  Created?: string;
  DockerVersion: string;
  Author: string;
  Config: ImageConfig | null;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  /** Bytes. */
  Size: number;
  /** The same, for API 1.43 and older. */
  VirtualSize?: number;
  GraphDriver: GraphDriverData;
  RootFS: { Type: string; Layers?: readonly string[] };
  Metadata: { LastTagTime?: string };
  Descriptor?: OciDescriptor | null;
}

/** One line of `DELETE /images/{name}`: exactly one of the two is set. */
export interface ImageDeleteItem {
  Untagged?: string;
  Deleted?: string;
}

/** One line of `GET /images/{name}/history`. */
export interface ImageHistoryItem {
  Id: string;
  /** Seconds since 1970. */
  Created: number;
  CreatedBy: string;
  Tags: readonly string[] | null;
  /** Bytes. */
  Size: number;
  Comment: string;
}

export interface ImagesPruneResponse {
  ImagesDeleted: readonly ImageDeleteItem[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}

export interface ProgressDetail {
  /** Bytes so far. */
  current?: number;
  /** Bytes in all; 0 or absent when it is not known. */
  total?: number;
  /** Set when `current` counts something else than bytes. */
  units?: string;
  hidecounts?: boolean;
}

/** One line of `GET /tsd/check`. */
export interface CheckedPart {
  Kind: "config" | "manifest" | "layer";
  Digest: string;
  /** All that have it, by a name, or by the id where they have none. */
  Images: readonly string[];
  /** What is wrong with it; absent where nothing is. */
  Problem?: string;
  /** Why it could not be read, which says nothing of it. */
  Unread?: string;
}

/** One line of the streams of pull, push, load and build. */
export interface ProgressMessage {
  /** The layer (12 hexadecimal digits) or the tag that `status` speaks of. */
  id?: string;
  status?: string;
  progressDetail?: ProgressDetail;
  /** Docker's ready-made bar, for old clients. */
  progress?: string;
  stream?: string;
  errorDetail?: ErrorDetail;
  error?: string;
  aux?: unknown;
}
