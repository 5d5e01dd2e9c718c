/**
 * @module
 * Converts plans and reports of tsd's prune to the API's types and back.
 */
import { PRUNE_KINDS, type PruneItem, type PruneKind, type RetainedItem } from "../../engine/prune/prune_plan.ts";
import type { PrunedItem, PrunePlan, PruneReport } from "../../engine/prune/prune_service.ts";
import { TsdError } from "../../errors.ts";
import { decode, isObject, type Shape } from "../../json/decode.ts";
import type {
  PruneItem as WireItem,
  PrunePlan as WirePlan,
  PruneReport as WireReport,
  PruneRequest,
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

/**
 * Parses a kind.
 * @throws {TsdError} invalid_argument
 */
export function parseKind(text: string): PruneKind {
  const kind = PRUNE_KINDS.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw new TsdError("invalid_argument", `Cannot prune ${JSON.stringify(text)}: give ${PRUNE_KINDS.join(", ")}`);
}

const SHAPE: Shape<PruneRequest> = {
  Items: { each: { Kind: "text", ID: "text", Names: "texts", Labels: "textMap", Why: "text" } },
};

/**
 * Parses the items of a plan in a client's request.
 * @throws {TsdError} invalid_argument
 */
export function parseItems(body: unknown): PrunedItem[] {
  if (!isObject(body)) throw invalid("it is no object");
  const { Items } = decode(body, SHAPE, (path, must) => invalid(`${path} must be ${must}`));
  if (Items === undefined) throw invalid("Items is missing");
  return Items.map(({ Kind, ID, Names, Labels = {}, Why = "" }, at) => {
    if (Kind === undefined || ID === undefined || Names === undefined) {
      throw invalid(`Items[${at}] needs a Kind, an ID and Names`);
    }
    return { kind: parseKind(Kind), id: ID, names: Names, labels: Labels, why: Why };
  });
}

const invalid = (why: string): TsdError => new TsdError("invalid_argument", `Cannot prune: bad body: ${why}`);
