/**
 * @module
 * What can be done with volumes: folders of their own below the data root, or what Docker's driver `local` is told to
 * mount. Steps on one volume come one after another. A volume that a container refers to, or is about to, stays.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import { syncDir, untilCancelled } from "../../io/mod.ts";
import type { Log } from "../../log.ts";
import type { HookBus } from "../../plugins/mod.ts";
import { detachMountsBelow } from "../../store/directory_driver/mounts_below.ts";
import type { VolumeRecord } from "../../store/volume_records.ts";
import type { VolumeEvents } from "../events/volume_events.ts";
import { dirsIn, namesIn, removeTree } from "../directories.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import { randomId } from "../model/names.ts";
import type { IncompleteVolumes } from "./incomplete_volumes.ts";
import { checkLocalOptions } from "./local_options.ts";
import { ANONYMOUS_LABEL, checkVolumeName } from "../model/volume_names.ts";
import type { VolumeRequest } from "./volume_request.ts";
import type { VolumeTable } from "./volume_table.ts";

/** A container that refers to a volume. */
export interface VolumeUser {
  readonly id: string;
  readonly name: string;
}

/** A volume that is about to be filled by somebody, unless it was there already. */
export interface StartedVolume {
  readonly volume: VolumeRecord;
  readonly isNew: boolean;
}

/** How a volume is removed. */
export interface VolumeRemoval {
  /** One that isn't there is none's fault. */
  readonly force?: boolean;
  /** The id of a container that refers to it, which doesn't keep it: it is about to go itself. */
  readonly user?: string | undefined;
}

export interface VolumeServiceDeps {
  readonly paths: EnginePaths;
  readonly table: VolumeTable;
  readonly usersOf: (name: string) => readonly VolumeUser[];
  /** Whether somebody looks into it, other than the containers that refer to it. */
  readonly isHeld?: (name: string) => boolean;
  /** Resolves when nobody does any more. */
  readonly released?: (name: string) => Promise<void>;
  readonly incomplete: IncompleteVolumes;
  readonly events: VolumeEvents;
  readonly hooks: Pick<HookBus, "callParallel">;
  readonly locks: KeyedLock;
  readonly log: Log;
}

/** What folders of volumes that are being removed begin with: no volume can have such a name. */
const REMOVED = ".removed-";

/** How long a removal waits for those who look into a volume, in ms. */
const RELEASE_MS = 5000;

/** See the module's comment. */
export class VolumeService {
  readonly #deps: VolumeServiceDeps;
  /** Volumes that somebody is about to refer to, and how many are. */
  readonly #reserved = new Map<string, number>();

  constructor(deps: VolumeServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a volume, or gives the one of that name as it is.
   * @throws {TsdError} invalid_argument, not_implemented, not_found (no such driver), storage
   */
  async create(request: VolumeRequest): Promise<VolumeRecord> {
    return (await this.#make(request, false)).volume;
  }

  /**
   * Makes a volume that is noted as unfinished: an engine that finds it like this takes it away. One that was there isn't.
   * @throws {TsdError} as `create`
   */
  begin(request: VolumeRequest): Promise<StartedVolume> {
    return this.#make(request, true);
  }

  async #make(request: VolumeRequest, isIncomplete: boolean): Promise<StartedVolume> {
    const { name: requested, driver, labels: given, options } = request;
    const name = requested || randomId();
    checkDriver(name, driver);
    checkVolumeName(name);
    checkLocalOptions(name, options ?? {});
    const labels = requested === "" ? { ...given, [ANONYMOUS_LABEL]: "" } : given;
    const { table, locks, events, hooks, paths, incomplete } = this.#deps;
    return await locks.run(name, async () => {
      const existing = table.known(name);
      if (existing !== undefined) return { volume: existing, isNew: false };
      await makeDirs(paths, name);
      if (isIncomplete) await incomplete.begin(name, "making");
      const volume: VolumeRecord = { name, createdMs: Date.now(), labels, options };
      table.insert(volume, (trace) => events.emit("create", name, {}, trace));
      hooks.callParallel("volume.created", () => ({ name, labels: labels ?? {} }));
      return { volume, isNew: true };
    });
  }

  /** Keeps a volume from being removed until this is disposed of. @throws {TsdError} not_found */
  reserve(name: string): Disposable {
    this.#deps.table.find(name);
    this.#reserved.set(name, (this.#reserved.get(name) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = this.#reserved.get(name)! - 1;
        if (left > 0) this.#reserved.set(name, left);
        else this.#reserved.delete(name);
      },
    };
  }

  /** With all that is in it. @throws {TsdError} not_found (unless `force`), conflict: it is in use */
  async remove(name: string, { force = false, user }: VolumeRemoval = {}): Promise<void> {
    const { table, locks, events, incomplete } = this.#deps;
    await this.#released(name, user);
    await locks.run(name, async () => {
      if (force && table.known(name) === undefined) return;
      table.find(name);
      this.requireUnused(name, "remove", user);
      incomplete.beginRemoval(name);
      table.remove(name, (trace) => events.emit("destroy", name, {}, trace));
      await this.#removeDir(name);
    });
  }

  /** Whether a container refers to it, or is about to. */
  isUsed(name: string): boolean {
    return this.#reserved.has(name) || this.#deps.usersOf(name).length > 0;
  }

  /** @throws {TsdError} conflict, with Docker's text and the ids of those that use it */
  requireUnused(name: string, verb: string, butBy?: string): void {
    const ids = this.#usersBut(name, butBy);
    const isBusy = this.#reserved.has(name) || this.#deps.isHeld?.(name);
    if (ids.length === 0 && !isBusy) return;
    const whose = ids.length === 0 ? "something that is going on just now" : ids.join(", ");
    throw new TsdError("conflict", `${verb} ${name}: volume is in use - [${whose}]`);
  }

  /** Clears away what engines that were killed have left of removals, and volumes that they have not finished. */
  async sweep(): Promise<void> {
    const { paths, log, table, incomplete, usersOf } = this.#deps;
    for (const { name } of table.list()) {
      if (!incomplete.has(name, "making") || usersOf(name).length > 0) continue;
      log.warn("a volume that was not finished is removed", { volume: name });
      await this.remove(name);
    }
    const { all } = volumePaths(paths, "");
    for (const name of await dirsIn(all)) {
      await this.#sweepDir(name).catch((thrown) =>
        log.error("a removed volume's files stay for now", { dir: name, error: String(thrown) })
      );
    }
  }

  /** Files that no volume has stay, unless one had them whose removal was begun. */
  async #sweepDir(name: string): Promise<void> {
    const { paths, table, incomplete } = this.#deps;
    const { dir, data } = volumePaths(paths, name);
    if (table.known(name) !== undefined) return await incomplete.finish(name, "removing");
    if (name.startsWith(REMOVED) || incomplete.has(name, "removing")) return await discard(dir);
    // One that was about to be made.
    const isEmpty = (await namesIn(dir)).every((each) => each === "_data") && (await namesIn(data)).length === 0;
    if (isEmpty) { for (const each of [data, dir]) await removeTree(each); }
  }

  /** A run that is over may still be cleared away, a copy be under way: they get a moment. */
  async #released(name: string, butBy?: string): Promise<void> {
    const { released } = this.#deps;
    if (released === undefined || this.#usersBut(name, butBy).length > 0) return;
    try {
      await untilCancelled(released(name), AbortSignal.timeout(RELEASE_MS));
    } catch (thrown) {
      if (!isTsdError(thrown, "cancelled", "timeout")) throw thrown;
    }
  }

  #usersBut(name: string, id?: string): string[] {
    return this.#deps.usersOf(name).map((user) => user.id).filter((each) => each !== id);
  }

  async #removeDir(name: string): Promise<void> {
    const { all, dir } = volumePaths(this.#deps.paths, name);
    const away = `${all}/${REMOVED}${crypto.randomUUID()}`;
    // Nothing is deleted through a mount.
    detachMountsBelow(dir);
    try {
      await Deno.rename(dir, away);
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return;
      throw thrown;
    }
    await discard(away);
  }
}

async function discard(dir: string): Promise<void> {
  detachMountsBelow(dir);
  await removeTree(dir);
}

/** With Docker's modes: nobody but root gets to the names of volumes, or to a volume by its path. */
async function makeDirs(paths: EnginePaths, name: string): Promise<void> {
  const { all, dir, data } = volumePaths(paths, name);
  await Deno.mkdir(all, { recursive: true, mode: 0o701 });
  await Deno.mkdir(dir, { recursive: true, mode: 0o701 });
  await Deno.mkdir(data, { recursive: true, mode: 0o755 });
  await syncDir(dir);
  await syncDir(all);
}

/** @throws {TsdError} not_found, with Docker's text */
function checkDriver(name: string, driver = ""): void {
  if (driver === "" || driver === "local") return;
  const why = `error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`;
  throw new TsdError("not_found", `create ${name}: ${why}`);
}
