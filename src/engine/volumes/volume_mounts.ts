/**
 * @module
 * Volumes while somebody looks into them: what a volume's options say is mounted before the first of them and taken away
 * after the last. So it is with the snapshots of images that are mounted.
 */
import { TsdError } from "../../errors.ts";
import { exists } from "../../io/if_exists.ts";
import type { ContainerMount } from "../../runtime/spec/mod.ts";
import { detachMountsBelow, isMountPoint } from "../../store/directory_driver/mounts_below.ts";
import { type FileCalls, type MetadataCalls, type MountCalls, MS, SysError } from "../../sys/mod.ts";
import type { Container } from "../model/container.ts";
import { mountedSnapshots } from "../model/needed_images.ts";
import { mountsOf, type RequestedMount } from "../model/mounts.ts";
import type { VolumeEvents } from "../events/volume_events.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import type { SharedSnapshots } from "../images/shared_snapshots.ts";
import { type PinnedSubpath, pinSubpath, subpathsDir } from "./volume_subpaths.ts";
import { type LocalMount, localMount } from "./local_options.ts";
import type { VolumeTable } from "./volume_table.ts";

export interface VolumeMountsDeps {
  readonly paths: EnginePaths;
  readonly table: VolumeTable;
  readonly usersOf: (name: string) => readonly Pick<Container, "id" | "isRunning">[];
  readonly events: VolumeEvents;
  /** By volume; shared with whoever removes volumes. */
  readonly locks: KeyedLock;
  readonly mounts: Pick<MountCalls, "mount" | "umount2">;
  readonly files: FileCalls;
  readonly metadata: Pick<MetadataCalls, "statx">;
  readonly snapshots: Pick<SharedSnapshots, "mount" | "unmount" | "hold">;
}

/** What a container is to see. Dispose of it when the runtime has mounted it. */
export interface SpecMounts extends Disposable {
  readonly mounts: readonly ContainerMount[];
}

/** See the module's comment. */
export class VolumeMounts {
  readonly #deps: VolumeMountsDeps;
  /** Who looks into each volume: containers' runs by id, others by a token of their own. */
  readonly #holders = new Map<string, Set<string | symbol>>();

  /** Containers whose runs this engine has mounted something for. */
  readonly #mounted = new Set<string>();

  /** Those who wait for the last of them to go. */
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  /** Containers whose volumes were released ahead of {@link unmount}. */
  readonly #released = new Set<string>();

  constructor(deps: VolumeMountsDeps) {
    this.#deps = deps;
  }

  /** For a run of a container, until {@link unmount}. @throws {TsdError} not_found, system_call, storage */
  async mount(container: Container): Promise<SpecMounts> {
    this.#released.delete(container.id);
    this.#mounted.add(container.id);
    const all = mountsOf(container.record);
    using open = new DisposableStack();
    const mounts: ContainerMount[] = [];
    for (const each of all) {
      const { mount, volume, image } = each;
      const whole = await this.#whole(container, each);
      if (whole === undefined) {
        mounts.push(mount);
        continue;
      }
      const subpath = (volume ?? image)?.subpath;
      const source = subpath === undefined ? whole : open.use(this.#pin(whole, subpath, container)).path;
      mounts.push({ ...mount, source } as ContainerMount);
    }
    const held = open.move();
    return { mounts, [Symbol.dispose]: () => held.dispose() };
  }

  /** Where all of a volume or an image is, for a run; undefined: the mount is neither. */
  async #whole(container: Container, requested: RequestedMount): Promise<string | undefined> {
    const { volume, image } = requested;
    if (image?.found !== undefined) return (await this.#deps.snapshots.mount(image.found.snapshot)).root;
    if (volume === undefined) return undefined;
    await this.#attach(volume.name, container.id);
    const { data } = volumePaths(this.#deps.paths, volume.name);
    requireDirectory(volume.name, data);
    this.#reportMount(container, requested);
    return data;
  }

  /** Whether something is mounted for a run of a container that this engine has started. */
  isMounted({ id }: Pick<Container, "id">): boolean {
    return this.#mounted.has(id);
  }

  /** Whether a container has a volume whose options are mounted while it is used. */
  hasOptions(container: Container): boolean {
    return namesOf(container).some((name) => this.#optionsOf(name) !== undefined);
  }

  /** Unmounts the volumes of a run that is over; the rest is {@link unmount}'s. @throws {SysError} */
  async release(container: Container): Promise<void> {
    if (this.#released.has(container.id)) return;
    for (const name of namesOf(container)) {
      this.#deps.events.emit("unmount", name, { container: container.id });
      await this.#detach(name, container.id);
    }
    this.#released.add(container.id);
  }

  /** Unmounts all that a run had mounted. @throws {SysError}; {TsdError} storage */
  async unmount(container: Container): Promise<void> {
    detachMountsBelow(subpathsDir(this.#deps.paths, container.id));
    for (const id of mountedSnapshots(container.record)) await this.#deps.snapshots.unmount(id);
    await this.release(container);
    this.#released.delete(container.id);
    this.#mounted.delete(container.id);
  }

  /** For somebody else who looks into a container's volumes and images. Dispose of it. */
  async hold(container: Container): Promise<AsyncDisposable> {
    await using held = new AsyncDisposableStack();
    held.use(await this.holdAll(namesOf(container)));
    for (const id of mountedSnapshots(container.record)) held.use(await this.#deps.snapshots.hold(id));
    return held.move();
  }

  /** @throws {TsdError} not_found, system_call */
  async holdAll(names: readonly string[]): Promise<AsyncDisposable> {
    const holder = Symbol("holder");
    await using held = new AsyncDisposableStack();
    for (const name of names) {
      await this.#attach(name, holder);
      held.defer(() => this.#detach(name, holder));
    }
    return held.move();
  }

  /** Whether a container runs with it, whoever started that, or is just being started. */
  isRunWith(name: string): boolean {
    const holders = this.#holders.get(name);
    return this.#deps.usersOf(name).some(({ id, isRunning }) => isRunning || (holders?.has(id) ?? false));
  }

  /** Takes away what engines that were killed have left mounted. To be called when it is known which containers run. */
  sweep(): void {
    const { paths, table, usersOf } = this.#deps;
    for (const { name, options } of table.list()) {
      const isUsed = this.#holders.has(name) || usersOf(name).some(({ isRunning }) => isRunning);
      if (!isUsed && localMount(options) !== undefined) detachMountsBelow(volumePaths(paths, name).dir);
    }
  }

  /** Resolves when nobody looks into it any more. */
  async released(name: string): Promise<void> {
    while (this.#holders.has(name)) {
      const waiting = this.#waiting.get(name) ?? Promise.withResolvers<void>();
      this.#waiting.set(name, waiting);
      await waiting.promise;
    }
  }

  /** Whether somebody who isn't a container that refers to it looks into it. */
  isHeld(name: string): boolean {
    return this.#holders.has(name);
  }

  async #attach(name: string, holder: string | symbol): Promise<void> {
    await this.#deps.locks.run(name, async () => {
      const { options } = this.#deps.table.find(name);
      const { data } = volumePaths(this.#deps.paths, name);
      const expected = localMount(options);
      if (expected !== undefined && !isMountPoint(data)) mountLocal(expected, data, this.#deps.mounts);
      if (!this.#holders.has(name)) this.#holders.set(name, new Set());
      this.#holders.get(name)!.add(holder);
      await Promise.resolve();
    });
  }

  async #detach(name: string, holder: string | symbol): Promise<void> {
    await this.#deps.locks.run(name, async () => {
      const holders = this.#holders.get(name);
      holders?.delete(holder);
      if (holders?.size === 0) this.#holders.delete(name);
      // Runs that an engine before this one has begun hold it too.
      const isUsed = this.#holders.has(name) ||
        this.#deps.usersOf(name).some(({ id, isRunning }) => isRunning && id !== holder);
      if (!isUsed && this.#optionsOf(name) !== undefined) {
        detachMountsBelow(volumePaths(this.#deps.paths, name).dir);
      }
      if (!this.#holders.has(name)) {
        this.#waiting.get(name)?.resolve();
        this.#waiting.delete(name);
      }
      await Promise.resolve();
    });
  }

  /** What the options of a volume say is mounted; undefined where nothing is. */
  #optionsOf(name: string): LocalMount | undefined {
    return localMount(this.#deps.table.known(name)?.options ?? null);
  }

  /** @throws {TsdError} as `openSubpath` */
  #pin(whole: string, subpath: string, container: Container): PinnedSubpath {
    return pinSubpath(whole, subpath, subpathsDir(this.#deps.paths, container.id), this.#deps);
  }

  #reportMount(container: Container, { mount, volume }: RequestedMount): void {
    const isWritable = mount.kind !== "tmpfs" && !mount.readOnly;
    this.#deps.events.emit("mount", volume!.name, {
      container: container.id,
      destination: mount.target,
      "read/write": String(isWritable),
      propagation: "",
    });
  }
}

/** Another program may have removed it, and a new one would hide that. @throws {TsdError} storage */
export function requireDirectory(name: string, data: string): void {
  if (exists(data)) return;
  const remedy = "remove the volume and create it again";
  throw new TsdError("storage", `The directory of volume ${name} was removed: there is no ${data}; ${remedy}`);
}

/** Each volume once. */
const namesOf = ({ record }: Container): string[] => [
  ...new Set(mountsOf(record).flatMap(({ volume }) => volume === undefined ? [] : [volume.name])),
];

/** @throws {TsdError} system_call, with Docker's text */
function mountLocal({ source, type, flags, data }: LocalMount, target: string, calls: Pick<MountCalls, "mount">): void {
  const isBind = (flags & MS.BIND) !== 0;
  const first = isBind ? flags & (MS.BIND | MS.REC) : flags;
  try {
    calls.mount({ source, target, type, flags: first, ...(data !== "" && { data }) });
    // The kernel takes what else there is of a bind only afterwards.
    if (isBind && flags !== first) calls.mount({ source, target, type, flags: flags | MS.REMOUNT });
  } catch (thrown) {
    if (!(thrown instanceof SysError)) throw thrown;
    const options = `flags: 0x${flags.toString(16)}${data === "" ? "" : `, data: ${data}`}`;
    const why = `failed to mount local volume: mount ${source}:${target}, ${options}: ${thrown.reason}`;
    throw new TsdError("system_call", `error while mounting volume '${target}': ${why}`, { cause: thrown });
  }
}
