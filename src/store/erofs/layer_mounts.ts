/**
 * @module
 * Mounted layers. A layer is mounted read-only when it is first needed. All overlays over it share that mount, and with
 * it the page cache. A released mount stays alive as long as an overlay uses it.
 */
import { attach, cString, files, MOUNT_ATTR, newMount, O, OwnedFd } from "../../sys/mod.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";
import { unmountAll } from "../overlay/overlay_mount.ts";
import type { LayerDirectory } from "../driver.ts";
import { loopDeviceOf } from "./loop_device.ts";

/** Maximum number of cached mounts; beyond that the least recently used one is released. */
const MOUNTS_MAX = 512;

/**
 * Best first. Detached mounts are in no mount table and referred to by descriptor; overlayfs accepts them since Linux
 * 6.15. Attached mounts are on a directory and visible in the host's mount table. Before Linux 6.12 EROFS needs block
 * devices.
 */
const STRATEGIES = {
  "detached": { isAttached: false, needsDevices: false },
  "attached": { isAttached: true, needsDevices: false },
  "detached, by loop devices": { isAttached: false, needsDevices: true },
  "attached, by loop devices": { isAttached: true, needsDevices: true },
} as const;

export type MountStrategy = keyof typeof STRATEGIES;

export const MOUNT_STRATEGIES = Object.keys(STRATEGIES) as readonly MountStrategy[];

/** Paths of a layer's files. */
export interface LayerDevices {
  readonly index: string;
  readonly tar: string;
}

/**
 * Mounts a layer; the mount lives as long as the descriptor. Source and device are passed as paths of descriptors or
 * loop devices, which are short and need no escaping.
 * @throws {SysError} ENOTBLK: the kernel needs a block device (Linux before 6.12, or files on an overlay)
 */
function mountLayer({ index, tar }: LayerDevices, needsDevices: boolean): OwnedFd {
  using open = new DisposableStack();
  const nameOf = (path: string) => {
    const file = open.use(new OwnedFd(files.open(cString(path), O.RDONLY | O.NOFOLLOW)));
    return needsDevices ? open.use(loopDeviceOf(file)).path : file.procPath;
  };
  return newMount({
    type: "erofs",
    options: [["source", nameOf(index)], ["device", nameOf(tar)]],
    flags: ["ro"],
    attributes: MOUNT_ATTR.RDONLY,
  });
}

/** A cached mount. */
interface CachedMount {
  readonly path: string;
  readonly unmount: () => void;
  /** Number of users that have its path and may not have mounted an overlay over it yet. */
  users: number;
  /** No longer in the cache; unmounted when its last user releases it. */
  isReleased: boolean;
}

/** Cache of an engine's mounted layers. */
export class LayerMounts implements Disposable {
  readonly #dir: string;
  readonly #cache = new Map<string, CachedMount>();
  /** All mounts: cached ones, and released ones that still have users. */
  readonly #mounted = new Set<CachedMount>();

  /** @param directory parent of the mount points of attached mounts */
  constructor(directory: string) {
    this.#dir = directory;
  }

  /**
   * Returns the mounted layer; dispose of it once an overlay is mounted over it. The path may refer to another mount
   * afterwards.
   * @param key the layer's name, valid in a path
   * @throws {SysError} if the kernel refuses the mount
   */
  use(key: string, devices: LayerDevices, strategy: MountStrategy): LayerDirectory {
    const cached = this.#cache.get(key) ?? this.#mount(key, devices, strategy);
    this.#mounted.add(cached);
    cached.users++;
    // Moves the entry to the end: the least recently used one comes first.
    this.#cache.delete(key);
    this.#cache.set(key, cached);
    this.#evict();
    let isDisposed = false;
    return {
      path: cached.path,
      [Symbol.dispose]: () => {
        if (isDisposed) return;
        isDisposed = true;
        cached.users--;
        if (cached.isReleased && cached.users === 0) this.#unmount(cached);
      },
    };
  }

  has(key: string): boolean {
    return this.#cache.has(key);
  }

  /** Releases a layer's mount; it is unmounted when its current users are done. */
  release(key: string): void {
    const cached = this.#cache.get(key);
    if (cached === undefined) return;
    this.#cache.delete(key);
    cached.isReleased = true;
    if (cached.users === 0) this.#unmount(cached);
  }

  /** Unmounts all layers, even those with users. */
  [Symbol.dispose](): void {
    for (const mounted of this.#mounted) this.#unmount(mounted);
    this.#cache.clear();
  }

  #evict(): void {
    let over = this.#cache.size - MOUNTS_MAX;
    for (const [key, { users }] of this.#cache) {
      if (over <= 0) return;
      if (users > 0) continue;
      this.release(key);
      over--;
    }
  }

  #unmount(mounted: CachedMount): void {
    if (this.#mounted.delete(mounted)) mounted.unmount();
  }

  #mount(key: string, devices: LayerDevices, strategy: MountStrategy): CachedMount {
    const { isAttached, needsDevices } = STRATEGIES[strategy];
    const mount = mountLayer(devices, needsDevices);
    const state = { users: 0, isReleased: false };
    // With `/.` the path resolves to the mounted directory, not to the link in /proc.
    if (!isAttached) return { ...state, path: `${mount.procPath}/.`, unmount: () => mount.close() };
    using _attached = mount;
    Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    // A unique name: the layer may have been removed and ingested again while the previous mount still has users.
    const path = Deno.makeTempDirSync({ dir: this.#dir, prefix: `${key}-` });
    try {
      attach(mount, path);
    } catch (thrown) {
      Deno.removeSync(path);
      throw thrown;
    }
    const unmount = () => {
      unmountAll(path);
      Deno.removeSync(path);
    };
    return { ...state, path, unmount };
  }
}

/** Unmounts and removes what a killed engine left attached; call it when an engine starts. */
export async function sweepMounts(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) {
    unmountAll(`${directory}/${name}`);
    await Deno.remove(`${directory}/${name}`);
  }
}
