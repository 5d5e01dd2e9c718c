/**
 * @module
 * Mounted layers. A layer is mounted when it is first needed, read-only, and the same mount serves all overlays over it, so
 * that containers share what of it is in memory. A mount that is let go of lives on under the overlays that have it.
 */
import { attach, cString, files, MOUNT_ATTR, newMount, O, OwnedFd } from "../../sys/mod.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";
import { unmountAll } from "../overlay/overlay_mount.ts";
import type { LayerDirectory } from "../driver.ts";
import { loopDeviceOf } from "./loop_device.ts";

/** Most mounts that are kept; the one that was asked for the longest time ago goes. */
const KEPT_MAX = 512;

/**
 * Best first. Detached: in no mount table, named by its descriptor; overlayfs takes such since Linux 6.15. Attached: on a
 * folder, where whoever looks at the machine's mounts sees it. Linux before 6.12 wants block devices.
 */
const STRATEGIES = {
  "detached": { isAttached: false, needsDevices: false },
  "attached": { isAttached: true, needsDevices: false },
  "detached, by loop devices": { isAttached: false, needsDevices: true },
  "attached, by loop devices": { isAttached: true, needsDevices: true },
} as const;

export type MountStrategy = keyof typeof STRATEGIES;

export const MOUNT_STRATEGIES = Object.keys(STRATEGIES) as readonly MountStrategy[];

/** The files of a layer. */
export interface LayerDevices {
  readonly index: string;
  readonly tar: string;
}

/**
 * Mounts a layer; it goes away with the descriptor. Paths are handed over as those of descriptors or devices: short, and
 * without anything to escape.
 * @throws {SysError} ENOTBLK: the kernel wants a block device (Linux before 6.12, or files on an overlay)
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

/** A mount that is kept. */
interface Kept {
  readonly path: string;
  readonly unmount: () => void;
  /** Who has its path and may not have mounted anything over it yet. */
  users: number;
  /** Nobody gets it any more; it goes with its last user. */
  isReleased: boolean;
}

/** The mounts of one engine, by layer. */
export class LayerMounts implements Disposable {
  readonly #dir: string;
  readonly #kept = new Map<string, Kept>();
  /** Those that are kept, and those that wait for their last user. */
  readonly #mounted = new Set<Kept>();

  /** @param dir where attached mounts get folders of their own */
  constructor(directory: string) {
    this.#dir = directory;
  }

  /**
   * The mounted layer; dispose of it once something is mounted over it. Its path may be another mount's afterwards.
   * @param key the layer's name in a path
   * @throws {SysError} as the kernel refuses it
   */
  use(key: string, devices: LayerDevices, way: MountStrategy): LayerDirectory {
    const kept = this.#kept.get(key) ?? this.#mount(key, devices, way);
    this.#mounted.add(kept);
    kept.users++;
    // What is asked for last goes last.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    this.#makeRoom();
    let isOver = false;
    return {
      path: kept.path,
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        kept.users--;
        if (kept.isReleased && kept.users === 0) this.#unmount(kept);
      },
    };
  }

  has(key: string): boolean {
    return this.#kept.has(key);
  }

  /** Lets go of a layer, once those are done that have it. */
  release(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    kept.isReleased = true;
    if (kept.users === 0) this.#unmount(kept);
  }

  /** Lets go of all, whoever has them. */
  [Symbol.dispose](): void {
    for (const mounted of this.#mounted) this.#unmount(mounted);
    this.#kept.clear();
  }

  #makeRoom(): void {
    let over = this.#kept.size - KEPT_MAX;
    for (const [key, { users }] of this.#kept) {
      if (over <= 0) return;
      if (users > 0) continue;
      this.release(key);
      over--;
    }
  }

  #unmount(mounted: Kept): void {
    if (this.#mounted.delete(mounted)) mounted.unmount();
  }

  #mount(key: string, devices: LayerDevices, way: MountStrategy): Kept {
    const { isAttached, needsDevices } = STRATEGIES[way];
    const mount = mountLayer(devices, needsDevices);
    const state = { users: 0, isReleased: false };
    // The dot is the mounted folder itself; without it this would be the link to it.
    if (!isAttached) return { ...state, path: `${mount.procPath}/.`, unmount: () => mount.close() };
    using _attached = mount;
    Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    // A name of its own: the same layer may have been removed, and come again, while somebody uses the former mount.
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

/** Takes away what a killed engine left attached; to be called when an engine starts. */
export async function sweepMounts(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) {
    unmountAll(`${directory}/${name}`);
    await Deno.remove(`${directory}/${name}`);
  }
}
