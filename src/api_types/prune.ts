import type { ContainerSummary } from "./container.ts";
import type { ImageDeleteItem, ImageSummary } from "./image.ts";
import type { Volume } from "./volume.ts";

/** `POST /build/prune`. */
export interface BuildPruneResponse {
  /** Ids. */
  CachesDeleted: readonly string[] | null;
  /** Bytes. */
  SpaceReclaimed: number;
}

/** A record of the build cache. */
export interface BuildCacheRecord {
  ID: string;
  Parents?: readonly string[];
  Type: string;
  Description: string;
  InUse: boolean;
  Shared: boolean;
  /** Bytes. */
  Size: number;
  /** RFC 3339. */
  CreatedAt: string;
  /** RFC 3339. */
  LastUsedAt: string | null;
  UsageCount: number;
}

/** `GET /system/df`. Kinds that weren't requested are null. */
export interface DiskUsage {
  /** Size of all layers in bytes, each counted once. */
  LayersSize: number;
  Images: readonly ImageSummary[] | null;
  Containers: readonly ContainerSummary[] | null;
  Volumes: readonly Volume[] | null;
  BuildCache: readonly BuildCacheRecord[] | null;
}

/** tsd's extension: an unused object. */
export interface PruneItem {
  Kind: "container" | "network" | "volume" | "image" | "download" | "build-cache";
  ID: string;
  Names: readonly string[];
  Labels: Readonly<Record<string, string>>;
  /** Why it counts as unused. */
  Why: string;
  /** Bytes that are freed if it is removed after the items before it. */
  Bytes: number;
}

/** tsd's extension: an object that is retained although it seemed unused. */
export interface PruneRetained extends Omit<PruneItem, "Bytes"> {
  /** Whether its removal failed. */
  Failed?: boolean;
}

/** `GET /tsd/prune`. */
export interface PrunePlan {
  Items: readonly PruneItem[];
  Kept: readonly PruneRetained[];
  /** Bytes. */
  SpaceReclaimable: number;
}

/** `POST /tsd/prune`: the items of a plan to remove, and nothing else. */
export interface PruneRequest {
  Items: readonly Pick<PruneItem, "Kind" | "ID" | "Names" | "Labels" | "Why">[];
}

/** The response to a {@link PruneRequest}. */
export interface PruneReport {
  Removed: readonly PruneItem[];
  /** The removed images in Docker's form. */
  ImagesDeleted: readonly ImageDeleteItem[];
  Kept: readonly PruneRetained[];
  /** Bytes. */
  SpaceReclaimed: number;
}
