import type { Digest } from "../../image/digest.ts";
import { cString, MS } from "../../sys/mod.ts";
import type { ByteString } from "../../tar/mod.ts";
import { DirectorySnapshotter, type SnapshotPaths } from "../directory_driver/directory_snapshotter.ts";
import { openDir } from "../overlay/merged_layers.ts";
import { changesBetween } from "../overlay/upper_changes.ts";
import type { Change, LayerStore, Usage } from "../driver.ts";
import { FILES, SUBVOLUME_CALLS, type SubvolumeCalls, TREE } from "./calls.ts";
import { ChainSnapshots } from "./chain_snapshots.ts";
import { diskUsageSince } from "./disk_usage.ts";

export interface BtrfsSnapshotterOptions {
  /** The driver's directory below the data-root, on btrfs; created if it is missing. */
  readonly root: string;
  readonly layers: Pick<LayerStore, "info">;
  readonly calls?: SubvolumeCalls;
  /** Prepares chains in another thread; this thread does it if not given. */
  readonly stack?: ((layers: readonly Digest[]) => Promise<void>) | undefined;
}

/** A snapshotter on btrfs: the subvolume `files` is a snapshot of a chain, and its tree is bind-mounted. */
export class BtrfsSnapshotter extends DirectorySnapshotter {
  protected readonly parts = [FILES];
  readonly #calls: SubvolumeCalls;
  readonly #chains: ChainSnapshots;

  constructor({ root, layers, calls = SUBVOLUME_CALLS, stack }: BtrfsSnapshotterOptions) {
    super({ root, layers, calls });
    this.#calls = calls;
    this.#chains = new ChainSnapshots(root, { calls, elsewhere: stack });
  }

  protected async fill(dir: string, layers: readonly Digest[]): Promise<void> {
    using chain = openDir(await this.#chains.ensure(layers), this.#calls);
    using parent = openDir(dir, this.#calls);
    this.#calls.snapshotSubvolume(parent.fd, cString(FILES), { fd: chain.fd, isReadOnly: false });
  }

  /** Creating the subvolume has committed everything. */
  protected sync(): Promise<void> {
    return Promise.resolve();
  }

  protected mounting({ dir }: SnapshotPaths): Promise<Disposable & { mount(target: string): void }> {
    const mount = (target: string) => {
      this.#calls.mount({ source: `${dir}/${FILES}/${TREE}`, target, flags: MS.BIND });
      // Mounts inside it must not propagate to or from the source.
      this.#calls.mount({ target, flags: MS.PRIVATE });
    };
    return Promise.resolve({ mount, [Symbol.dispose]: () => {} });
  }

  protected async measure({ dir, layers }: SnapshotPaths): Promise<Usage> {
    const chain = await this.#chains.ensure(layers);
    using upper = openDir(`${dir}/${FILES}/${TREE}`, this.#calls);
    using lower = openDir(`${chain}/${TREE}`, this.#calls);
    return await diskUsageSince({ upper, lower }, this.#calls);
  }

  protected async *compare(
    { dir, layers }: SnapshotPaths,
    assumed?: ReadonlySet<ByteString>,
  ): AsyncGenerator<Change> {
    const chain = await this.#chains.ensure(layers);
    using upper = openDir(`${dir}/${FILES}/${TREE}`, this.#calls);
    using lower = openDir(`${chain}/${TREE}`, this.#calls);
    yield* changesBetween({ upper, lower, assumed, isWhole: true }, this.#calls);
  }
}
