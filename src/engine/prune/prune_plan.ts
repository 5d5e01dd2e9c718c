/**
 * @module
 * What prune speaks of: things of several kinds that nobody uses, what would go with each, and what became of them.
 */
import type { ImageDeleteItem } from "../../api_types/mod.ts";
import type { LayerLedger } from "./layer_ledger.ts";

/** Kinds of things, in the order in which they go: what a container used is unused once it has gone. */
export const PRUNE_KINDS = ["container", "network", "volume", "image", "download", "build-cache"] as const;
export type PruneKind = typeof PRUNE_KINDS[number];

/** Something that nobody uses. */
export interface PruneItem {
  readonly kind: PruneKind;
  readonly id: string;
  /** Those that it has; an image may have none. */
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Why it counts as unused, in words. */
  readonly why: string;
  /** What is freed when it goes after those before it. */
  readonly bytes: number;
}

/** Something that stays. */
export interface RetainedItem extends Omit<PruneItem, "why" | "bytes"> {
  /** Why it stays, in words. */
  readonly why: string;
  /** It should have gone, and that went wrong. */
  readonly failed?: boolean;
}

/** What filters are asked about. */
export interface Filtered {
  /** Unix time in ms; undefined when nobody knows. */
  readonly createdMs: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** Which unused things are meant. */
export interface PruneSelection {
  /** Also images that have a name. */
  readonly all: boolean;
  /** Also volumes that have a name. */
  readonly allVolumes?: boolean;
  /** What filters say. */
  readonly passes: (thing: Filtered) => boolean;
}

/** What kinds that come later in a plan must know of those before them. Each pruner notes down what it takes. */
export interface PruneFixture {
  /** Ids of things that a plugin wants to keep. */
  readonly spared: ReadonlySet<string>;
  /** Containers that go. */
  readonly going: Set<string>;
  /** Which layers are still needed. */
  readonly ledger: LayerLedger;
}

/** What became of an item. */
export type PruneResult =
  | { readonly bytes: number; readonly images?: readonly ImageDeleteItem[] }
  /** It is still there, because of this. */
  | { readonly kept: string; readonly failed?: boolean };

/** Finds and removes the unused things of one kind. */
export interface Pruner {
  readonly kind: PruneKind;
  /** @throws {TsdError} storage */
  find(selection: PruneSelection, fixture: PruneFixture): Promise<PruneItem[]>;
  /** Removes what was found, unless somebody uses it by now or it has changed since. `signal` ends waiting. @throws {TsdError} */
  remove(item: Pick<PruneItem, "id" | "names">, signal: AbortSignal): Promise<PruneResult>;
}
