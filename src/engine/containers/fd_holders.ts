/**
 * @module
 * The keepers of running containers, one each (see `src/runtime/fd_holder.ts`): what the next engine needs of a container
 * when this one is killed. Execs with an input or a terminal have one too. Who a container's keeper is stands in a file of
 * its run folder, or the exec's, which a boot empties too. A container runs on without a keeper; then its input, and its
 * exit code while no engine is there, are not kept.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type Held, type KeeperRef, startKeeper, stopKeeper, takeFromKeeper } from "../../runtime/fd_holder.ts";
import { type FoundKeeper, keepersOf } from "../../runtime/fd_holder_search.ts";
import type { ProcessIo } from "../../runtime/stdio.ts";
import type { OwnedFd } from "../../sys/mod.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";

/** One that was killed sooner than this after its start has its successor later than at once; in ms. */
const SHORT_LIFE_MS = 1000;

/**
 * A container gets its keeper so long after its start, in ms: then the start is over, and the shortest runs too. One with an
 * input or a terminal, which would end with this engine, gets it at once.
 */
const SETTLING_MS = 10;

/** What can't be done for a while, as too many files are open, is tried again so much later; in ms. */
const AGAIN_MS = 1000;

/** Keepers as processes. */
export interface KeeperProcesses {
  start(held: Held<number>, owner: string): KeeperRef;
  take(keeper: KeeperRef): Held<OwnedFd>;
  stop(keeper: KeeperRef): void;
  /** Looks at every process of the machine. */
  search(ownerPrefix: string): FoundKeeper[];
  /** Resolves when it has ended, whoever's child it is. */
  ended(keeper: KeeperRef): Promise<unknown>;
}

/** The real ones, all but {@link KeeperProcesses.ended}. */
export const KEEPER_PROCESSES: Omit<KeeperProcesses, "ended"> = {
  start: startKeeper,
  take: takeFromKeeper,
  stop: stopKeeper,
  search: keepersOf,
};

export interface KeepersDeps {
  readonly paths: EnginePaths;
  readonly log: Log;
  readonly keepers: KeeperProcesses;
}

/** What a former engine left with a keeper. */
export interface Taken {
  /** The caller's to close. */
  readonly held: Held<OwnedFd>;
  readonly keeper: KeeperRef | undefined;
}

interface Kept {
  readonly pidFd: OwnedFd;
  readonly io: ProcessIo;
  keeper: KeeperRef | undefined;
  successor?: ReturnType<typeof setTimeout>;
}

/** What an exec's keeper goes by, as a container's does by the container's id. */
export const execPlace = (containerId: string, execId: string): string => `${containerId}/exec-${execId}`;

/** See the module's comment. Nothing here throws for want of a keeper. */
export class Keepers {
  readonly #deps: KeepersDeps;
  readonly #log: Log;
  readonly #byContainer = new Map<string, Kept>();
  /** Keepers of former engines that no file names, by owner. */
  #found: Map<string, KeeperRef> | undefined;

  constructor(deps: KeepersDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("keepers");
  }

  /** A container's process has been made and gets a keeper soon; `pidFd` and the streams stay the caller's. */
  start(id: string, pidFd: OwnedFd, io: ProcessIo): void {
    // A terminal has an input, too.
    const isUrgent = io.stdin !== undefined;
    const successor = setTimeout(() => this.#renew(id), isUrgent ? 0 : SETTLING_MS);
    this.#keep(id, { pidFd, io, keeper: undefined, successor });
  }

  /** What a former engine left for a container. */
  take(id: string): Taken {
    try {
      for (const find of [() => this.#recorded(id), () => this.#search(id)]) {
        const keeper = find();
        const held = keeper === undefined ? {} : this.#deps.keepers.take(keeper);
        if (held.pidFd !== undefined) return { held, keeper };
      }
    } catch (thrown) {
      this.#warn(id, "a container's keeper gives nothing back", thrown);
    }
    return { held: {}, keeper: undefined };
  }

  /** The keeper of a container that was taken up goes on; where there is none, there is one now. */
  adopt(id: string, pidFd: OwnedFd, io: ProcessIo, keeper: KeeperRef | undefined): void {
    this.#keep(id, { pidFd, io, keeper });
    if (keeper === undefined) this.#renew(id);
    else this.#watch(id, keeper);
  }

  /** The container's run is over, whichever engine has started it. */
  stop(id: string): void {
    const kept = this.#byContainer.get(id);
    this.#byContainer.delete(id);
    clearTimeout(kept?.successor);
    try {
      const keeper = kept === undefined ? this.#recorded(id) : kept.keeper;
      if (keeper !== undefined) this.#stop(id, keeper);
    } catch (thrown) {
      // The next engine sweeps.
      this.#warn(id, "a keeper can't be found", thrown);
    }
  }

  /** The engine leaves: what it lets go of from now on is kept. */
  leave(): void {
    for (const [id, { successor, keeper }] of this.#byContainer) {
      clearTimeout(successor);
      if (keeper === undefined) this.#renew(id);
    }
    this.#byContainer.clear();
  }

  /** Stops those that an engine left which was killed between two steps. */
  sweep(): void {
    const needed = new Set([...this.#byContainer.values()].map(({ keeper }) => keeper?.pid));
    for (const { owner, ...keeper } of this.#deps.keepers.search(this.#owner(""))) {
      if (!needed.has(keeper.pid)) this.#stop(owner, keeper);
    }
  }

  #keep(id: string, kept: Kept): void {
    this.#byContainer.set(id, kept);
    // As long as anybody holds the writing end the process doesn't see the end of its input.
    void kept.io.stdin?.closed.then(() => {
      if (this.#byContainer.get(id) === kept) this.#renew(id);
    });
  }

  /** Another keeper, of what there is now, takes the place of the present one. */
  #renew(id: string, isAgain = false): void {
    const kept = this.#byContainer.get(id);
    clearTimeout(kept?.successor);
    // A container that has ended meanwhile needs none.
    if (kept === undefined || kept.pidFd.closed) return;
    const { keeper: former } = kept;
    try {
      const held = { ...kept.io.heldFds(), pidFd: kept.pidFd.fd };
      kept.keeper = this.#deps.keepers.start(held, this.#owner(id));
      this.#watch(id, kept.keeper);
      this.#record(id, kept.keeper);
    } catch (thrown) {
      if (!isAgain) this.#warn(id, "a container has no keeper for now", thrown);
      if (kept.keeper === former) kept.keeper = undefined;
      if (kept.keeper === undefined) {
        kept.successor = setTimeout(() => this.#renew(id, true), AGAIN_MS);
        Deno.unrefTimer(kept.successor);
      }
    }
    if (former !== undefined) this.#stop(id, former);
  }

  /** Somebody may kill it; the container needs another one then. */
  #watch(id: string, keeper: KeeperRef): void {
    const sinceMs = Date.now();
    void this.#deps.keepers.ended(keeper).then(() => {
      const kept = this.#byContainer.get(id);
      if (kept === undefined || kept.keeper !== keeper) return;
      kept.keeper = undefined;
      this.#log.warn("a container's keeper was killed; another one takes its place", { container: id });
      if (Date.now() - sinceMs > SHORT_LIFE_MS) this.#renew(id);
      else kept.successor = setTimeout(() => this.#renew(id), SHORT_LIFE_MS);
    }, (thrown) => this.#warn(id, "nobody sees when a container's keeper is killed", thrown));
  }

  #stop(id: string, keeper: KeeperRef, isAgain = false): void {
    try {
      this.#deps.keepers.stop(keeper);
    } catch (thrown) {
      if (!isAgain) this.#warn(id, "a keeper can't be stopped yet", thrown);
      // At the engine's end it stays for the next one, which sweeps.
      Deno.unrefTimer(setTimeout(() => this.#stop(id, keeper, true), AGAIN_MS));
    }
  }

  #record(id: string, keeper: KeeperRef): void {
    Deno.writeTextFileSync(this.#file(id), JSON.stringify(keeper), { mode: 0o600 });
  }

  /** Nothing where the folder is gone, or an engine was killed while it wrote. */
  #recorded(id: string): KeeperRef | undefined {
    try {
      const { pid, startTicks } = JSON.parse(Deno.readTextFileSync(this.#file(id)));
      return { pid, startTicks };
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound || thrown instanceof SyntaxError) return undefined;
      throw thrown;
    }
  }

  #search(id: string): KeeperRef | undefined {
    this.#found ??= new Map(this.#deps.keepers.search(this.#owner("")).map(({ owner, ...ref }) => [owner, ref]));
    return this.#found.get(this.#owner(id));
  }

  #owner(id: string): string {
    return `${this.#deps.paths.runDir}/containers/${id}`;
  }

  #file(id: string): string {
    return `${containerPaths(this.#deps.paths, id).bundle}/keeper`;
  }

  #warn(id: string, what: string, thrown: unknown): void {
    this.#log.warn(what, { container: id, error: toTsdError(thrown).message });
  }
}
