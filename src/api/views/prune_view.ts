/**
 * @module
 * Plans and reports of tsd's own prune in the shapes of the wire, and back.
 */
import { PRUNE_KINDS, type PruneItem, type PruneKind, type RetainedItem } from "../../engine/prune/prune_plan.ts";
import type { PrunedItem, PrunePlan, PruneReport } from "../../engine/prune/prune_service.ts";
import { TsdError } from "../../errors.ts";
import type {
  PruneItem as WireItem,
  PrunePlan as WirePlan,
  PruneReport as WireReport,
  PruneRetained,
} from "../../api_types/mod.ts";

export function planView({ items, kept }: PrunePlan): WirePlan {
  return {
    Items: items.map(itemView),
    Kept: kept.map(retainedView),
    SpaceReclaimable: items.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

export function reportView({ removed, images, kept, bytes }: PruneReport): WireReport {
  return { Removed: removed.map(itemView), ImagesDeleted: images, Kept: kept.map(retainedView), SpaceReclaimed: bytes };
}

function itemView({ kind, id, names, labels, why, bytes }: PruneItem): WireItem {
  return { Kind: kind, ID: id, Names: names, Labels: labels, Why: why, Bytes: bytes };
}

function retainedView({ kind, id, names, labels, why, failed = false }: RetainedItem): PruneRetained {
  return { Kind: kind, ID: id, Names: names, Labels: labels, Why: why, ...(failed && { Failed: true }) };
}

/** @throws {TsdError} invalid_argument */
export function parseKind(text: string): PruneKind {
  const kind = PRUNE_KINDS.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw new TsdError("invalid_argument", `Cannot prune ${JSON.stringify(text)}: give ${PRUNE_KINDS.join(", ")}`);
}

/** Items of a plan, as somebody hands them back. @throws {TsdError} invalid_argument */
export function parseItems(body: unknown): PrunedItem[] {
  const items = isObject(body) ? body.Items : undefined;
  if (!Array.isArray(items)) throw invalid("Items is no list");
  return items.map((item: unknown) => {
    if (!isObject(item)) throw invalid("an item is no object");
    const { Kind, ID, Names, Labels = {}, Why = "" } = item;
    if (typeof Kind !== "string" || typeof ID !== "string" || typeof Why !== "string") throw invalid("not a text");
    if (!Array.isArray(Names) || !Names.every((name) => typeof name === "string")) throw invalid("Names is no list");
    if (!isObject(Labels)) throw invalid("Labels is no object");
    const labels = Object.fromEntries(Object.entries(Labels).map(([key, value]) => [key, String(value)]));
    return { kind: parseKind(Kind), id: ID, names: Names as string[], labels, why: Why };
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const invalid = (why: string): TsdError => new TsdError("invalid_argument", `Cannot prune: bad body: ${why}`);
