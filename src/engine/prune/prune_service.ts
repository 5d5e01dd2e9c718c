/**
 * @module
 * Finds what nobody uses, and removes it: by Docker's routes in one go, by tsd's own in two, so that somebody can look at
 * the plan in between and gets exactly that. Whatever came into use meanwhile stays; pruners ask right before each removal.
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
  /** Kinds without one have nothing that could go. */
  readonly pruners: readonly Pruner[];
  readonly layerUsers: LayerUsers;
  readonly hooks: Pick<HookBus, "callSelective">;
  readonly events: Pick<EventSink, "publish">;
  readonly log: Log;
}

/** What would go, and what plugins keep. */
export interface PrunePlan {
  readonly items: readonly PruneItem[];
  readonly kept: readonly RetainedItem[];
}

/** An item of a plan, as somebody hands it back. */
export type PrunedItem = Pick<PruneItem, "kind" | "id" | "names" | "labels" | "why">;

/** What went. */
export interface PruneReport {
  readonly removed: readonly PruneItem[];
  /** Images in Docker's words. */
  readonly images: readonly ImageDeleteItem[];
  /** What was to go and is still there. */
  readonly kept: readonly RetainedItem[];
  readonly bytes: number;
}

/** Docker's names of things in events. */
const EVENT_KINDS = {
  container: "container",
  network: "network",
  volume: "volume",
  image: "image",
  // Docker has none, and nobody was told that there is such a thing.
  download: undefined,
  "build-cache": "builder",
} as const satisfies Record<PruneKind, string | undefined>;

/** See the module's comment. */
export class PruneService {
  readonly #deps: PruneServiceDeps;
  readonly #log: Log;
  readonly #running = new Set<PruneKind>();

  constructor(deps: PruneServiceDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("prune");
  }

  /** What would go now; nothing is changed. @throws {TsdError} storage, permission_denied (a plugin) */
  async plan(kinds: readonly PruneKind[], selection: PruneSelection): Promise<PrunePlan> {
    const found = await this.#find(kinds, selection, new Set());
    const kept = await this.#kept(found);
    // What was to go with something that stays is counted anew.
    const items = kept.length === 0 ? found : await this.#find(kinds, selection, new Set(kept.map(({ id }) => id)));
    return { items, kept };
  }

  /** Finds and removes. @throws {TsdError} conflict (prune runs already), storage, permission_denied */
  async prune(kinds: readonly PruneKind[], selection: PruneSelection, signal: AbortSignal): Promise<PruneReport> {
    return await this.#alone(kinds, async () => {
      const { items } = await this.plan(kinds, selection);
      return await this.#removeAll(kinds, items, signal);
    });
  }

  /** Removes items of a plan, and nothing else. @throws {TsdError} conflict (prune runs already), permission_denied */
  async remove(
    kinds: readonly PruneKind[],
    items: readonly PrunedItem[],
    signal: AbortSignal,
  ): Promise<PruneReport> {
    return await this.#alone(kinds, async () => {
      // A plugin may have changed its mind, and a client may never have asked.
      const kept = await this.#kept(items.map((item) => ({ ...item, bytes: 0 })));
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

  /** What plugins want to keep. */
  async #kept(items: readonly PruneItem[]): Promise<RetainedItem[]> {
    const spared = await this.#deps.hooks.callSelective("prune.plan", () => ({ things: structuredClone([...items]) }));
    return items.flatMap(({ kind, id, names, labels }) => {
      const plugin = spared.get(id);
      return plugin === undefined ? [] : [{ kind, id, names, labels, why: `plugin ${plugin} keeps it` }];
    });
  }

  /** In order of kinds; a client that leaves ends it. */
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
      this.#tell(kind, report.bytes - before);
    }
    return report;
  }

  /** One that can't go is no reason to leave the others. */
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

  #tell(kind: PruneKind, bytes: number): void {
    const type = EVENT_KINDS[kind];
    if (type === undefined) return;
    this.#deps.events.publish({
      type,
      action: "prune",
      actorId: "",
      attributes: { reclaimed: String(bytes) },
    });
  }

  /** Two at once would wait for each other's things and tell of them twice. */
  async #alone<T>(kinds: readonly PruneKind[], step: () => Promise<T>): Promise<T> {
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
