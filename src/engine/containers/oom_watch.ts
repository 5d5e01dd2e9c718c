/**
 * @module
 * Who was killed for want of memory. The kernel only counts such kills for each container, so the first process counts as
 * the victim when it died of a SIGKILL that the engine didn't send and the count has just gone up.
 */
import type { Log } from "../../log.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { ContainerCgroups } from "../stats/cgroup.ts";
import { type Container, isLive } from "../model/container.ts";
import { containerContext } from "../model/hook_payloads.ts";
import type { ContainerTable } from "../model/container_table.ts";

/** How long after a kill was noticed the first process may be its victim, in ms: its exit comes a moment later. */
const JUST_NOW_MS = 2000;
/** The kernel gives notice before it kills; after so many ms each the count is looked at again. */
const LOOK_AGAIN_MS = [5, 50, 500];
const SIGKILL = 9;

/** How a first process ended. */
export interface Ending {
  /** The signal that killed it. */
  readonly signal: number | undefined;
  /** The engine has sent it a SIGKILL. */
  readonly byEngine: boolean;
}

export interface OomWatchDeps {
  readonly cgroups: Pick<ContainerCgroups, "oomKills" | "onOom">;
  readonly table: Pick<ContainerTable, "setState">;
  readonly events: ContainerEvents;
  readonly hooks: Pick<HookBus, "callParallel">;
  readonly log: Log;
  /** Unix time in ms. */
  readonly now?: () => number;
}

interface Watched {
  /** Kills that were told of, or that were before; undefined until they could be counted. */
  kills: number | undefined;
  lastMs: number;
  readonly watch: Disposable;
  timer?: ReturnType<typeof setTimeout>;
}

/** Tells the event `oom`, once for each time the kernel killed. */
export class OomWatch {
  readonly #deps: OomWatchDeps;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: OomWatchDeps) {
    this.#deps = deps;
  }

  /** A container runs: it was just started, or another engine's was found. What that one has not told of is told now. */
  begin(container: Container): void {
    const { state } = container;
    const kills = isLive(state) && state.oomKills !== undefined ? state.oomKills : this.#kills(container);
    const watch = this.#deps.cgroups.onOom(container.id, () => this.#lookUntilKilled(container));
    this.#watched.set(container.id, { kills, lastMs: -Infinity, watch });
    // The kernel may have been quicker than this watch.
    this.#lookUntilKilled(container);
  }

  /** Its first process has ended, its cgroups are still there. Whether the kernel killed it for want of memory. */
  end(container: Container, { signal, byEngine }: Ending): boolean {
    this.#look(container);
    const watched = this.#watched.get(container.id);
    if (watched === undefined) return false;
    this.#watched.delete(container.id);
    clearTimeout(watched.timer);
    watched.watch[Symbol.dispose]();
    return signal === SIGKILL && !byEngine && this.#now() - watched.lastMs < JUST_NOW_MS;
  }

  #lookUntilKilled(container: Container, [nextMs, ...laterMs] = LOOK_AGAIN_MS): void {
    const watched = this.#watched.get(container.id);
    if (watched === undefined || this.#look(container) || nextMs === undefined) return;
    clearTimeout(watched.timer);
    watched.timer = setTimeout(() => this.#lookUntilKilled(container, laterMs), nextMs);
  }

  /** Whether the kernel has killed since the last look. */
  #look(container: Container): boolean {
    const watched = this.#watched.get(container.id);
    const kills = this.#kills(container);
    if (watched === undefined || kills === undefined) return false;
    const before = watched.kills ??= kills;
    if (kills <= before) return false;
    watched.kills = kills;
    watched.lastMs = this.#now();
    this.#tell(container, kills);
    this.#deps.hooks.callParallel("container.oom", () => containerContext(container));
    return true;
  }

  /** The count goes with the event: the next engine tells of no kill twice, and of each. */
  #tell(container: Container, oomKills: number): void {
    const { table, events, log } = this.#deps;
    const { state, restarts } = container;
    const telling = events.telling(container, "oom");
    try {
      if (isLive(state)) return table.setState(container, { ...state, oomKills }, restarts, telling);
    } catch (thrown) {
      log.warn("cannot record who was killed for want of memory", { container: container.id, error: String(thrown) });
    }
    telling({ write() {} });
  }

  /** Undefined where they can't be counted, as too many files are open: no run may fail for that, and no end be lost. */
  #kills({ id }: Container): number | undefined {
    try {
      return this.#deps.cgroups.oomKills(id);
    } catch (thrown) {
      this.#deps.log.warn("cannot see who was killed for want of memory", { container: id, error: String(thrown) });
      return undefined;
    }
  }

  #now(): number {
    return (this.#deps.now ?? Date.now)();
  }
}
