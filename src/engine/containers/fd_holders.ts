/**
 * @module
 * The fd holders of running containers, one each (see `src/runtime/fd_holder.ts`): they hold what the next engine needs
 * of a container if this engine is killed. Execs with an input or a terminal have one too. A file in the run directory
 * of the container or exec names its fd holder; a boot empties that directory too. A container also runs without an fd
 * holder; then its input, and its exit code while no engine runs, are lost.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type FdHolderRef, type HeldFds, retrieveFds, startFdHolder, stopFdHolder } from "../../runtime/fd_holder.ts";
import { findFdHolders, type FoundFdHolder } from "../../runtime/fd_holder_search.ts";
import type { ProcessStdio } from "../../runtime/stdio.ts";
import type { OwnedFd } from "../../sys/mod.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";

/** An fd holder that was killed sooner than this after its start is replaced with a delay; in ms. */
const SHORT_LIFE_MS = 1000;

/**
 * Delay between a container's creation by the runtime and its fd holder's start, in ms, which saves the shortest tasks
 * one. A container with an input or a terminal, which it would lose with this engine, gets its fd holder before it is
 * started.
 */
const SETTLING_MS = 20;

/** Delay before an operation is repeated that failed because too many files are open, in ms. */
const AGAIN_MS = 1000;

/** The operations on fd holders' processes. */
export interface FdHolderProcesses {
  start(held: HeldFds<number>, owner: string): FdHolderRef;
  take(fdHolder: FdHolderRef): HeldFds<OwnedFd>;
  stop(fdHolder: FdHolderRef): void;
  /** Searches all processes of the host. */
  search(ownerPrefix: string): FoundFdHolder[];
  /** Resolves when it has exited, whichever process is its parent. */
  ended(fdHolder: FdHolderRef): Promise<unknown>;
}

/** The system's, except {@link FdHolderProcesses.ended}. */
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

/** What an fd holder held for the previous engine. */
export interface Reclaimed {
  /** The descriptors, which the caller closes. */
  readonly held: HeldFds<OwnedFd>;
  readonly fdHolder: FdHolderRef | undefined;
}

interface Kept {
  readonly pidFd: OwnedFd;
  readonly io: ProcessStdio;
  fdHolder: FdHolderRef | undefined;
  successor?: ReturnType<typeof setTimeout>;
}

/** Returns the owner of an exec's fd holder. That of a container's fd holder is the container's id. */
export const execOwner = (containerId: string, execId: string): string => `${containerId}/exec-${execId}`;

/** The fd holders of containers and execs. No method throws if an fd holder can't be started or found. */
export class FdHolders {
  readonly #deps: FdHoldersDeps;
  readonly #log: Log;
  readonly #byContainer = new Map<string, Kept>();
  /** Fd holders of previous engines that no file names, by owner. */
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
    // A terminal has an input too.
    if (io.stdin !== undefined) this.#renew(id);
    else this.#byContainer.get(id)!.successor = setTimeout(() => this.#renew(id), SETTLING_MS);
  }

  /** Returns what the fd holder of a container held for the previous engine. */
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

  /** Registers the fd holder of a restored container, or starts one if it has none. */
  restore(id: string, pidFd: OwnedFd, io: ProcessStdio, fdHolder: FdHolderRef | undefined): void {
    this.#keep(id, { pidFd, io, fdHolder });
    if (fdHolder === undefined) this.#renew(id);
    else this.#watch(id, fdHolder);
  }

  /** Stops the fd holder of a container whose task is over, whichever engine started it. */
  stop(id: string): void {
    const kept = this.#byContainer.get(id);
    this.#byContainer.delete(id);
    clearTimeout(kept?.successor);
    try {
      const fdHolder = kept === undefined ? this.#recorded(id) : kept.fdHolder;
      if (fdHolder !== undefined) this.#stop(id, fdHolder);
    } catch (thrown) {
      // The next engine stops it.
      this.#warn(id, "an fd holder can't be found", thrown);
    }
  }

  /** Keeps all fd holders from now on, for the next engine. */
  leave(): void {
    for (const [id, { successor, fdHolder }] of this.#byContainer) {
      clearTimeout(successor);
      if (fdHolder === undefined) this.#renew(id);
    }
    this.#byContainer.clear();
  }

  /** Stops fd holders that a killed engine has left without a task. */
  sweep(): void {
    const needed = new Set([...this.#byContainer.values()].map(({ fdHolder }) => fdHolder?.pid));
    for (const { owner, ...fdHolder } of this.#deps.fdHolders.search(this.#owner(""))) {
      if (!needed.has(fdHolder.pid)) this.#stop(owner, fdHolder);
    }
  }

  #keep(id: string, kept: Kept): void {
    this.#byContainer.set(id, kept);
    // As long as any process holds the writing end, the process doesn't see the end of its input.
    void kept.io.stdin?.closed.then(() => {
      if (this.#byContainer.get(id) === kept) this.#renew(id);
    });
  }

  /** Replaces the fd holder by one that holds the present descriptors. */
  #renew(id: string, isAgain = false): void {
    const kept = this.#byContainer.get(id);
    clearTimeout(kept?.successor);
    // A container that has exited meanwhile needs none.
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

  /** Replaces an fd holder that another program kills. */
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
      // When the engine exits, it stays for the next one, which stops it.
      Deno.unrefTimer(setTimeout(() => this.#stop(id, fdHolder, true), AGAIN_MS));
    }
  }

  /**
   * Names the fd holder in the run directory. If another program has removed that, the next engine finds the fd holder
   * among all processes.
   */
  #record(id: string, fdHolder: FdHolderRef): void {
    try {
      Deno.writeTextFileSync(this.#file(id), JSON.stringify(fdHolder), { mode: 0o600 });
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }

  /**
   * Returns the fd holder that the run directory names; undefined if the directory was removed or an engine was killed
   * while it wrote.
   */
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
