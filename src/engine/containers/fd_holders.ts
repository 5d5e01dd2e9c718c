/**
 * @module
 * The keepers of running containers, one each (see `src/runtime/fd_holder.ts`): what the next engine needs of a container
 * when this one is killed. Execs with an input or a terminal have one too. Who a container's keeper is stands in a file of
 * its run folder, or the exec's, which a boot empties too. A container runs on without a keeper; then its input, and its
 * exit code while no engine is there, are not kept.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type FdHolderRef, type HeldFds, retrieveFds, startFdHolder, stopFdHolder } from "../../runtime/fd_holder.ts";
import { findFdHolders, type FoundFdHolder } from "../../runtime/fd_holder_search.ts";
import type { ProcessStdio } from "../../runtime/stdio.ts";
import type { OwnedFd } from "../../sys/mod.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";

/** One that was killed sooner than this after its start has its successor later than at once; in ms. */
const SHORT_LIFE_MS = 1000;

/**
 * Delay between a container's creation by the runtime and its fd holder's, in ms, which spares the shortest runs one. A container with an
 * input or a terminal, which would lose them with this engine, gets its fd holder before it is started.
 */
const SETTLING_MS = 20;

/** What can't be done for a while, as too many files are open, is tried again so much later; in ms. */
const AGAIN_MS = 1000;

/** Keepers as processes. */
export interface FdHolderProcesses {
  start(held: HeldFds<number>, owner: string): FdHolderRef;
  take(fdHolder: FdHolderRef): HeldFds<OwnedFd>;
  stop(fdHolder: FdHolderRef): void;
  /** Looks at every process of the machine. */
  search(ownerPrefix: string): FoundFdHolder[];
  /** Resolves when it has ended, whoever's child it is. */
  ended(fdHolder: FdHolderRef): Promise<unknown>;
}

/** The real ones, all but {@link FdHolderProcesses.ended}. */
export const FD_HOLDER_PROCESSES: Omit<FdHolderProcesses, "ended"> = {
  start: startFdHolder,
  take: retrieveFds,
  stop: stopFdHolder,
  search: findFdHolders,
};

export interface FdHoldersDeps {
  readonly paths: EnginePaths;
  readonly log: Log;
  readonly fdHolders: FdHolderProcesses;
}

/** What a former engine left with a keeper. */
export interface Reclaimed {
  /** The caller's to close. */
  readonly held: HeldFds<OwnedFd>;
  readonly fdHolder: FdHolderRef | undefined;
}

interface Kept {
  readonly pidFd: OwnedFd;
  readonly io: ProcessStdio;
  fdHolder: FdHolderRef | undefined;
  successor?: ReturnType<typeof setTimeout>;
}

/** What an exec's keeper goes by, as a container's does by the container's id. */
export const execOwner = (containerId: string, execId: string): string => `${containerId}/exec-${execId}`;

/** See the module's comment. Nothing here throws for want of a keeper. */
export class FdHolders {
  readonly #deps: FdHoldersDeps;
  readonly #log: Log;
  readonly #byContainer = new Map<string, Kept>();
  /** Keepers of former engines that no file names, by owner. */
  #found: Map<string, FdHolderRef> | undefined;

  constructor(deps: FdHoldersDeps) {
    this.#deps = deps;
    this.#log = deps.log.scope("keepers");
  }

  /**
   * Starts the fd holder of a process that was created, or schedules it if the process has neither input nor terminal.
   * To be called in the event loop turn in which its output begins to be read: a client that has seen output finds the
   * process again after this engine was killed. The caller keeps ownership of `pidFd` and the streams.
   */
  start(id: string, pidFd: OwnedFd, io: ProcessStdio): void {
    this.#keep(id, { pidFd, io, fdHolder: undefined });
    // A terminal has an input, too.
    if (io.stdin !== undefined) this.#renew(id);
    else this.#byContainer.get(id)!.successor = setTimeout(() => this.#renew(id), SETTLING_MS);
  }

  /** What a former engine left for a container. */
  take(id: string): Reclaimed {
    try {
      for (const find of [() => this.#recorded(id), () => this.#search(id)]) {
        const fdHolder = find();
        const held = fdHolder === undefined ? {} : this.#deps.fdHolders.take(fdHolder);
        if (held.pidFd !== undefined) return { held, fdHolder };
      }
    } catch (thrown) {
      this.#warn(id, "a container's keeper gives nothing back", thrown);
    }
    return { held: {}, fdHolder: undefined };
  }

  /** The keeper of a container that was taken up goes on; where there is none, there is one now. */
  restore(id: string, pidFd: OwnedFd, io: ProcessStdio, fdHolder: FdHolderRef | undefined): void {
    this.#keep(id, { pidFd, io, fdHolder });
    if (fdHolder === undefined) this.#renew(id);
    else this.#watch(id, fdHolder);
  }

  /** The container's run is over, whichever engine has started it. */
  stop(id: string): void {
    const kept = this.#byContainer.get(id);
    this.#byContainer.delete(id);
    clearTimeout(kept?.successor);
    try {
      const fdHolder = kept === undefined ? this.#recorded(id) : kept.fdHolder;
      if (fdHolder !== undefined) this.#stop(id, fdHolder);
    } catch (thrown) {
      // The next engine sweeps.
      this.#warn(id, "a keeper can't be found", thrown);
    }
  }

  /** The engine leaves: what it lets go of from now on is kept. */
  leave(): void {
    for (const [id, { successor, fdHolder }] of this.#byContainer) {
      clearTimeout(successor);
      if (fdHolder === undefined) this.#renew(id);
    }
    this.#byContainer.clear();
  }

  /** Stops those that an engine left which was killed between two steps. */
  sweep(): void {
    const needed = new Set([...this.#byContainer.values()].map(({ fdHolder }) => fdHolder?.pid));
    for (const { owner, ...fdHolder } of this.#deps.fdHolders.search(this.#owner(""))) {
      if (!needed.has(fdHolder.pid)) this.#stop(owner, fdHolder);
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
    const { fdHolder: former } = kept;
    try {
      const held = { ...kept.io.heldFds(), pidFd: kept.pidFd.fd };
      kept.fdHolder = this.#deps.fdHolders.start(held, this.#owner(id));
      this.#watch(id, kept.fdHolder);
      this.#record(id, kept.fdHolder);
    } catch (thrown) {
      if (!isAgain) this.#warn(id, "a container has no keeper for now", thrown);
      if (kept.fdHolder === former) kept.fdHolder = undefined;
      if (kept.fdHolder === undefined) {
        kept.successor = setTimeout(() => this.#renew(id, true), AGAIN_MS);
        Deno.unrefTimer(kept.successor);
      }
    }
    if (former !== undefined) this.#stop(id, former);
  }

  /** Somebody may kill it; the container needs another one then. */
  #watch(id: string, fdHolder: FdHolderRef): void {
    const sinceMs = Date.now();
    void this.#deps.fdHolders.ended(fdHolder).then(() => {
      const kept = this.#byContainer.get(id);
      if (kept === undefined || kept.fdHolder !== fdHolder) return;
      kept.fdHolder = undefined;
      this.#log.warn("a container's keeper was killed; another one takes its place", { container: id });
      if (Date.now() - sinceMs > SHORT_LIFE_MS) this.#renew(id);
      else kept.successor = setTimeout(() => this.#renew(id), SHORT_LIFE_MS);
    }, (thrown) => this.#warn(id, "nobody sees when a container's keeper is killed", thrown));
  }

  #stop(id: string, fdHolder: FdHolderRef, isAgain = false): void {
    try {
      this.#deps.fdHolders.stop(fdHolder);
    } catch (thrown) {
      if (!isAgain) this.#warn(id, "a keeper can't be stopped yet", thrown);
      // At the engine's end it stays for the next one, which sweeps.
      Deno.unrefTimer(setTimeout(() => this.#stop(id, fdHolder, true), AGAIN_MS));
    }
  }

  /** Without the folder, which another program may remove, the next engine finds it among all processes. */
  #record(id: string, fdHolder: FdHolderRef): void {
    try {
      Deno.writeTextFileSync(this.#file(id), JSON.stringify(fdHolder), { mode: 0o600 });
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }

  /** Nothing where the folder is gone, or an engine was killed while it wrote. */
  #recorded(id: string): FdHolderRef | undefined {
    try {
      const { pid, startTicks } = JSON.parse(Deno.readTextFileSync(this.#file(id)));
      return { pid, startTicks };
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound || thrown instanceof SyntaxError) return undefined;
      throw thrown;
    }
  }

  #search(id: string): FdHolderRef | undefined {
    this.#found ??= new Map(this.#deps.fdHolders.search(this.#owner("")).map(({ owner, ...ref }) => [owner, ref]));
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
