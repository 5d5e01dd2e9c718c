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

/** One entry of a builder's cache. */
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

/** `GET /system/df`. Kinds that weren't asked for are null. */
export interface DiskUsage {
  /** Bytes of all layers, each once. */
  LayersSize: number;
  Images: readonly ImageSummary[] | null;
  Containers: readonly ContainerSummary[] | null;
  Volumes: readonly Volume[] | null;
  BuildCache: readonly BuildCacheRecord[] | null;
}

/** tsd's own: something that nobody uses. */
export interface PruneItem {
  Kind: "container" | "network" | "volume" | "image" | "download" | "build-cache";
  ID: string;
  Names: readonly string[];
  Labels: Readonly<Record<string, string>>;
  /** Why it counts as unused. */
  Why: string;
  /** What is freed when it goes after those before it. */
  Bytes: number;
}

/** tsd's own: something that stays although it looked unused. */
export interface PruneRetained extends Omit<PruneItem, "Bytes"> {
  /** It should have gone, and that went wrong. */
  Failed?: boolean;
}

/** `GET /tsd/prune`. */
export interface PrunePlan {
  Items: readonly PruneItem[];
  Kept: readonly PruneRetained[];
  /** Bytes. */
  SpaceReclaimable: number;
}

/** `POST /tsd/prune`: items of a plan, which are all that is removed. */
export interface PruneRequest {
  Items: readonly Pick<PruneItem, "Kind" | "ID" | "Names" | "Labels" | "Why">[];
}

/** The answer to a {@link PruneRequest}. */
export interface PruneReport {
  Removed: readonly PruneItem[];
  /** Images in Docker's words. */
  ImagesDeleted: readonly ImageDeleteItem[];
  Kept: readonly PruneRetained[];
  /** Bytes. */
  SpaceReclaimed: number;
}
