/**
 * @module
 * Finds and removes unused objects: in one step for Docker's routes, in two for tsd's routes, so that a user can review
 * the plan and gets exactly that. Pruners check again right before each removal: objects that are in use by then stay.
 */
import type { ImageDeleteItem } from "../../api_types/mod.ts";
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { EventSink } from "../events/event_bus.ts";
import { currentLedger, type LayerUsers } from "./layer_ledger.ts";
import {
  PRUNE_KINDS,
  type PruneFixture,
  type PruneItem,
  type PruneKind,
  type Pruner,
  type PruneResult,
  type PruneSelection,
  type RetainedItem,
} from "./prune_plan.ts";

export interface PruneServiceDeps {
  /** Kinds without a pruner have nothing to prune. */
  readonly pruners: readonly Pruner[];
  readonly layerUsers: LayerUsers;
  readonly hooks: Pick<HookBus, "callSelective">;
  readonly events: Pick<EventSink, "publish">;
  readonly log: Log;
}

/** The items that would be removed, and those that plugins keep. */
export interface PrunePlan {
  readonly items: readonly PruneItem[];
  readonly kept: readonly RetainedItem[];
}

/** An item of a plan, as the client returns it. */
export type PrunedItem = Pick<PruneItem, "kind" | "id" | "names" | "labels" | "why">;

/** The result of a prune. */
export interface PruneReport {
  readonly removed: readonly PruneItem[];
  /** Removed images, in Docker's form. */
  readonly images: readonly ImageDeleteItem[];
  /** Items that were not removed. */
  readonly kept: readonly RetainedItem[];
  readonly bytes: number;
}

/** Docker's object types in events. */
const EVENT_KINDS = {
  container: "container",
  network: "network",
  volume: "volume",
  image: "image",
  // Docker has no such type, and clients do not know these objects.
  download: undefined,
  "build-cache": "builder",
} as const satisfies Record<PruneKind, string | undefined>;

/** Plans and runs prunes. */
export class PruneService {
  readonly #deps: PruneServiceDeps;
  readonly #log: Log;
  readonly #running = new Set<PruneKind>();

  constructor(deps: PruneServiceDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("prune");
  }

  /** Returns what a prune would remove; changes nothing. @throws {TsdError} storage, permission_denied (a plugin) */
  async plan(kinds: readonly PruneKind[], selection: PruneSelection): Promise<PrunePlan> {
    const found = await this.#find(kinds, selection, new Set());
    const kept = await this.#retainedByPlugins(found);
    // Recompute the plan without the retained items, whose dependencies stay too.
    const items = kept.length === 0 ? found : await this.#find(kinds, selection, new Set(kept.map(({ id }) => id)));
    return { items, kept };
  }

  /** Removes unused objects. @throws {TsdError} conflict (a prune is already running), storage, permission_denied */
  async prune(kinds: readonly PruneKind[], selection: PruneSelection, signal: AbortSignal): Promise<PruneReport> {
    return await this.#exclusively(kinds, async () => {
      const { items } = await this.plan(kinds, selection);
      return await this.#removeAll(kinds, items, signal);
    });
  }

  /** Removes exactly these items of a plan. @throws {TsdError} conflict (a prune is already running), permission_denied */
  async remove(
    kinds: readonly PruneKind[],
    items: readonly PrunedItem[],
    signal: AbortSignal,
  ): Promise<PruneReport> {
    return await this.#exclusively(kinds, async () => {
      // A plugin's answer may have changed, and the client may not have requested a plan.
      const kept = await this.#retainedByPlugins(items.map((item) => ({ ...item, bytes: 0 })));
      const spared = new Set(kept.map(({ id }) => id));
      const report = await this.#removeAll(kinds, items.filter(({ id }) => !spared.has(id)), signal);
      return { ...report, kept: [...kept, ...report.kept] };
    });
  }

  async #find(
    kinds: readonly PruneKind[],
    selection: PruneSelection,
    spared: ReadonlySet<string>,
  ): Promise<PruneItem[]> {
    const fixture: PruneFixture = { spared, going: new Set(), ledger: currentLedger(this.#deps.layerUsers) };
    const items: PruneItem[] = [];
    for (const kind of inOrder(kinds)) items.push(...await this.#prunerOf(kind)?.find(selection, fixture) ?? []);
    return items;
  }

  /** Returns the items that plugins keep. */
  async #retainedByPlugins(items: readonly PruneItem[]): Promise<RetainedItem[]> {
    const spared = await this.#deps.hooks.callSelective("prune.plan", () => ({ things: structuredClone([...items]) }));
    return items.flatMap(({ kind, id, names, labels }) => {
      const plugin = spared.get(id);
      return plugin === undefined ? [] : [{ kind, id, names, labels, why: `plugin ${plugin} keeps it` }];
    });
  }

  /** Removes the items in the order of their kinds, until the client disconnects. */
  async #removeAll(
    kinds: readonly PruneKind[],
    items: readonly PrunedItem[],
    signal: AbortSignal,
  ): Promise<PruneReport> {
    const report = {
      removed: [] as PruneItem[],
      images: [] as ImageDeleteItem[],
      kept: [] as RetainedItem[],
      bytes: 0,
    };
    for (const kind of inOrder(kinds)) {
      const before = report.bytes;
      const pruner = this.#prunerOf(kind);
      for (const item of items) {
        if (pruner === undefined || item.kind !== kind || signal.aborted) continue;
        const { id, names, labels } = item;
        const result = await this.#removeOne(pruner, item, signal);
        if ("kept" in result) {
          const { kept: why, failed = false } = result;
          report.kept.push({ kind, id, names, labels, why, ...(failed && { failed }) });
        } else {
          report.removed.push({ ...item, bytes: result.bytes });
          report.images.push(...result.images ?? []);
          report.bytes += result.bytes;
        }
      }
      this.#emitEvent(kind, report.bytes - before);
    }
    return report;
  }

  /** Removes one item. A failure does not prevent the removal of the others. */
  async #removeOne(pruner: Pruner, item: PrunedItem, signal: AbortSignal): Promise<PruneResult> {
    try {
      return await pruner.remove(item, signal);
    } catch (thrown) {
      const { code, message } = toTsdError(thrown);
      if (code === "cancelled") return { kept: "whoever asked has left" };
      this.#log.warn("something unused can't be removed", { kind: item.kind, id: item.id, error: message });
      return { kept: message, failed: true };
    }
  }

  #prunerOf(kind: PruneKind): Pruner | undefined {
    return this.#deps.pruners.find((pruner) => pruner.kind === kind);
  }

  #emitEvent(kind: PruneKind, bytes: number): void {
    const type = EVENT_KINDS[kind];
    if (type === undefined) return;
    this.#deps.events.publish({
      type,
      action: "prune",
      actorId: "",
      attributes: { reclaimed: String(bytes) },
    });
  }

  /** Rejects concurrent prunes of a kind: they would wait for each other's objects and report them twice. */
  async #exclusively<T>(kinds: readonly PruneKind[], step: () => Promise<T>): Promise<T> {
    if (kinds.some((kind) => this.#running.has(kind))) {
      throw new TsdError("conflict", "a prune operation is already running");
    }
    for (const kind of kinds) this.#running.add(kind);
    try {
      return await step();
    } finally {
      for (const kind of kinds) this.#running.delete(kind);
    }
  }
}

const inOrder = (kinds: readonly PruneKind[]): PruneKind[] => PRUNE_KINDS.filter((kind) => kinds.includes(kind));
