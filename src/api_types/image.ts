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

/** A row of `GET /images/json`. */
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
  /** Same as Size, for API 1.43 and older. */
  VirtualSize?: number;
  /** Bytes shared with other images; -1 if not calculated. */
  SharedSize: number;
  Labels: Readonly<Record<string, string>> | null;
  /** Number of containers created from the image; -1 if not counted. */
  Containers: number;
  Descriptor?: OciDescriptor | null;
}

/** The container configuration of an image, in the form of inspect since API 1.50. */
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
  /** Same as Size, for API 1.43 and older. */
  VirtualSize?: number;
  GraphDriver: GraphDriverData;
  RootFS: { Type: string; Layers?: readonly string[] };
  Metadata: { LastTagTime?: string };
  Descriptor?: OciDescriptor | null;
}

/** A line of `DELETE /images/{name}`; exactly one of the fields is set. */
export interface ImageDeleteItem {
  Untagged?: string;
  Deleted?: string;
}

/** A line of `GET /images/{name}/history`. */
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
  /** Total bytes; 0 or absent if unknown. */
  total?: number;
  /** Set if `current` counts anything but bytes. */
  units?: string;
  hidecounts?: boolean;
}

/** A line of `GET /tsd/check`. */
export interface CheckedPart {
  Kind: "config" | "manifest" | "layer";
  Digest: string;
  /** All images that refer to it, by a name, or by id if they have none. */
  Images: readonly string[];
  /** What is wrong with it; absent if it is intact. */
  Problem?: string;
  /** Why it could not be read, so that its state is unknown. */
  Unread?: string;
}

/** A line of the progress streams of pull, push, load and build. */
export interface ProgressMessage {
  /** The layer (12 hexadecimal digits) or the tag that `status` is about. */
  id?: string;
  status?: string;
  progressDetail?: ProgressDetail;
  /** Docker's rendered progress bar, for old clients. */
  progress?: string;
  stream?: string;
  errorDetail?: ErrorDetail;
  error?: string;
  aux?: unknown;
}
