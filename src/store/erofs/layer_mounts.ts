/**
 * Mounted layers. A layer is mounted when it is first needed, read-only and in no mount table, and the same mount serves
 * all overlays over it, so that containers share what of it is in memory. A mount that is let go of lives on under the
 * overlays that have it.
 */
import { cString, files, MOUNT_ATTR, newMount, O, OwnedFd } from "../../sys/mod.ts";

/** Most mounts that are kept; the one that was asked for the longest time ago goes. */
const KEPT_MAX = 512;

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
export function mountLayer({ index, tar }: LayerDevices): OwnedFd {
  using source = new OwnedFd(files.open(cString(index), O.RDONLY | O.NOFOLLOW));
  using device = new OwnedFd(files.open(cString(tar), O.RDONLY | O.NOFOLLOW));
  return newMount({
    type: "erofs",
    options: [["source", source.procPath], ["device", device.procPath]],
    flags: ["ro"],
    attributes: MOUNT_ATTR.RDONLY,
  });
}

/** The mounts of one engine, by layer. */
export class LayerMounts implements Disposable {
  readonly #mounts = new Map<string, OwnedFd>();

  /** Absolute path of the mounted layer, valid in this process, for as long as the layer isn't released. */
  path(key: string, devices: LayerDevices): string {
    const mount = this.#mounts.get(key) ?? mountLayer(devices);
    // What is asked for last goes last.
    this.#mounts.delete(key);
    this.#mounts.set(key, mount);
    if (this.#mounts.size > KEPT_MAX) this.release(this.#mounts.keys().next().value!);
    return `${mount.procPath}/.`;
  }

  has(key: string): boolean {
    return this.#mounts.has(key);
  }

  /** Lets go of a layer. */
  release(key: string): void {
    this.#mounts.get(key)?.close();
    this.#mounts.delete(key);
  }

  [Symbol.dispose](): void {
    for (const key of [...this.#mounts.keys()]) this.release(key);
  }
}
