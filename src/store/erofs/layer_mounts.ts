/**
 * @module
 * Mounted layers. A layer is mounted when it is first needed, read-only, and the same mount serves all overlays over it, so
 * that containers share what of it is in memory. A mount that is let go of lives on under the overlays that have it.
 */
import { attach, cString, files, MOUNT_ATTR, newMount, O, OwnedFd } from "../../sys/mod.ts";
import { unmountAll } from "../overlay/overlay_mount.ts";

/** Most mounts that are kept; the one that was asked for the longest time ago goes. */
const KEPT_MAX = 512;

/**
 * `detached`: in no mount table, named by its descriptor; overlayfs takes such since Linux 6.15. `attached`: on a folder,
 * where whoever looks at the machine's mounts sees it.
 */
export type MountWay = "detached" | "attached";

export const MOUNT_WAYS: readonly MountWay[] = ["detached", "attached"];

/** The files of a layer. */
export interface LayerDevices {
  readonly index: string;
  readonly tar: string;
}

/**
 * Mounts a layer; it goes away with the descriptor. Paths are handed over as those of descriptors: short, and without
 * anything to escape.
 * @throws {SysError} ENOTBLK: the kernel wants a block device (Linux before 6.12, or files on an overlay)
 */
function mountLayer({ index, tar }: LayerDevices): OwnedFd {
  using source = new OwnedFd(files.open(cString(index), O.RDONLY | O.NOFOLLOW));
  using device = new OwnedFd(files.open(cString(tar), O.RDONLY | O.NOFOLLOW));
  return newMount({
    type: "erofs",
    options: [["source", source.procPath], ["device", device.procPath]],
    flags: ["ro"],
    attributes: MOUNT_ATTR.RDONLY,
  });
}

/** A mount that is kept. */
interface Kept {
  readonly path: string;
  release(): void;
}

/** The mounts of one engine, by layer. */
export class LayerMounts implements Disposable {
  readonly #folder: string;
  readonly #kept = new Map<string, Kept>();

  /** @param folder where attached mounts get folders of their own */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Absolute path of the mounted layer, valid in this process, for as long as the layer isn't released.
   * @param key the layer's name in a path
   * @throws {SysError} as the kernel refuses it
   */
  path(key: string, devices: LayerDevices, way: MountWay): string {
    const kept = this.#kept.get(key) ?? this.#mount(key, devices, way);
    // What is asked for last goes last.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size > KEPT_MAX) this.release(this.#kept.keys().next().value!);
    return kept.path;
  }

  has(key: string): boolean {
    return this.#kept.has(key);
  }

  /** Lets go of a layer. */
  release(key: string): void {
    this.#kept.get(key)?.release();
    this.#kept.delete(key);
  }

  [Symbol.dispose](): void {
    for (const key of [...this.#kept.keys()]) this.release(key);
  }

  #mount(key: string, devices: LayerDevices, way: MountWay): Kept {
    const mount = mountLayer(devices);
    // The dot is the mounted folder itself; without it this would be the link to it.
    if (way === "detached") return { path: `${mount.procPath}/.`, release: () => mount.close() };
    using _attached = mount;
    const path = `${this.#folder}/${key}`;
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    // A killed engine may have left one.
    unmountAll(path);
    attach(mount, path);
    return { path, release: () => unmountAll(path) };
  }
}
