/**
 * A disk that can be copied instantly while it is written to: a file on btrfs, which clones it between two writes, in
 * memory. A copy has all completed writes, and any of the pending ones.
 */
import { btrfsVolume, runCommand } from "../harness/mod.ts";
import { removeTree } from "../images/test_cache.ts";

/** The commands that create each file system, and repair it before a mount after a power cut. */
const FILE_SYSTEMS = {
  ext4: { make: "mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0", mend: "true" },
  "ext4 without a journal": { make: "mkfs.ext4 -q -E lazy_itable_init=0 -O ^has_journal", mend: "e2fsck -fy" },
  xfs: { make: "mkfs.xfs -q", mend: "true" },
  btrfs: { make: "mkfs.btrfs -q", mend: "true" },
} as const;

export type FileSystem = keyof typeof FILE_SYSTEMS;

const DISK_BYTES = 320 << 20;
/** The size of the underlying btrfs, which is sparse. */
const BELOW_BYTES = 4 * 2 ** 30;

async function sh(script: string): Promise<void> {
  const { code, stderr } = await runCommand("sh", ["-ec", script]);
  if (code !== 0) throw new Error(`${script}: ${stderr}`);
}

/** A mounted file system on a loop device that can be copied instantly while it is written to. */
export class PowerDisk implements AsyncDisposable {
  #isMounted = false;
  #copies = 0;
  readonly #kind: FileSystem;
  readonly #below: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(kind: FileSystem, readonly path: string, below: string, owned: AsyncDisposableStack) {
    this.#kind = kind;
    this.#below = below;
    this.#owned = owned;
  }

  /** Creates and mounts an empty disk. */
  static async make(kind: FileSystem): Promise<PowerDisk> {
    await using undo = new AsyncDisposableStack();
    const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-power-" }));
    undo.defer(() => removeTree(directory));
    await sh(`cd ${directory}; mkdir ram disk; mount -t tmpfs tmpfs ram`);
    // A loop device closes its file only shortly after the unmount.
    undo.defer(() => sh(`umount -l ${directory}/ram`));
    const below = undo.use(await btrfsVolume({ dir: `${directory}/ram`, sizeBytes: BELOW_BYTES })).path;
    await sh(`truncate -s ${DISK_BYTES} ${below}/0; ${FILE_SYSTEMS[kind].make} ${below}/0`);
    const disk = new PowerDisk(kind, `${directory}/disk`, below, undo.move());
    await disk.insert(0);
    return disk;
  }

  get copies(): number {
    return this.#copies;
  }

  /** Copies what the disk would have after a power cut now; returns the copy's number. */
  async copy(): Promise<number> {
    const copy = this.#copies + 1;
    await sh(`cp --reflink=always ${this.#below}/0 ${this.#below}/${copy}`);
    return this.#copies = copy;
  }

  /** Mounts a copy instead of the disk. */
  async insert(copy: number): Promise<void> {
    const device = `${this.#below}/${copy}`;
    // 1: errors were corrected.
    if (copy > 0) await sh(`${FILE_SYSTEMS[this.#kind].mend} ${device} || test $? -eq 1`);
    await sh(`mount -o loop ${device} ${this.path}`);
    this.#isMounted = true;
  }

  async eject(): Promise<void> {
    if (this.#isMounted) await sh(`umount ${this.path}`);
    this.#isMounted = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.eject();
    await this.#owned.disposeAsync();
  }
}
