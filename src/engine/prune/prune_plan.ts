/**
 * @module
 * Types of prune: unused objects of several kinds, the space that each removal frees, and its result.
 */
import type { ImageDeleteItem } from "../../api_types/mod.ts";
import type { LayerLedger } from "./layer_ledger.ts";

/** The kinds of objects in the order of their removal: what a container used is unused once the container is removed. */
export const PRUNE_KINDS = ["container", "network", "volume", "image", "download", "build-cache"] as const;
export type PruneKind = typeof PRUNE_KINDS[number];

/** An unused object. */
export interface PruneItem {
  readonly kind: PruneKind;
  readonly id: string;
  /** The object's names; an image may have none. */
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Why the object counts as unused; human-readable. */
  readonly why: string;
  /** Bytes that its removal frees, after the removal of the items before it. */
  readonly bytes: number;
}

/** An object that is not removed. */
export interface RetainedItem extends Omit<PruneItem, "why" | "bytes"> {
  /** Why the object is not removed; human-readable. */
  readonly why: string;
  /** Whether its removal was attempted and failed. */
  readonly failed?: boolean;
}

/** The properties that filters match. */
export interface Filtered {
  /** Creation time, in ms of Unix time; undefined if unknown. */
  readonly createdMs: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** Which unused objects to prune. */
export interface PruneSelection {
  /** Includes images that have a name. */
  readonly all: boolean;
  /** Includes volumes that have a name. */
  readonly allVolumes?: boolean;
  /** Returns whether an object matches the filters. */
  readonly passes: (thing: Filtered) => boolean;
}

/** State that the pruners of one plan share: each records what it takes, for the kinds that follow. */
export interface PruneFixture {
  /** Ids of objects that plugins keep. */
  readonly spared: ReadonlySet<string>;
  /** Ids of containers that the plan removes. */
  readonly going: Set<string>;
  /** Layers that are still referenced. */
  readonly ledger: LayerLedger;
}

/** The result for one item. */
export type PruneResult =
  | { readonly bytes: number; readonly images?: readonly ImageDeleteItem[] }
  /** The object was not removed, for this reason. */
  | { readonly kept: string; readonly failed?: boolean };

/** Finds and removes the unused objects of one kind. */
export interface Pruner {
  readonly kind: PruneKind;
  /** Finds unused objects and records them in `fixture`. @throws {TsdError} storage */
  find(selection: PruneSelection, fixture: PruneFixture): Promise<PruneItem[]>;
  /** Removes an object, unless it is in use or has changed since it was found. `signal` aborts waits. @throws {TsdError} */
  remove(item: Pick<PruneItem, "id" | "names">, signal: AbortSignal): Promise<PruneResult>;
}
