/**
 * Stacks of layers as one tree each, of which a container's root is a snapshot. A chain is a cache, named by its chain id
 * and made when it is first needed: a snapshot of the chain below it with one layer's changes. It shares all data with the
 * layers, and goes with the first of them.
 */
import { chainIds } from "../../image/chain_id.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import { readIfExists } from "../../io/if_exists.ts";
import { syncDir, writeSynced } from "../../io/mod.ts";
import { cString } from "../../sys/mod.ts";
import { attempting, isTaken } from "../directory_driver/storage_failure.ts";
import { namesIn, StagingDir } from "../directory_driver/staging_dir.ts";
import { openDir } from "../overlay/merged_layers.ts";
import { decodeLayers, encodeLayers, LAYERS_NAME } from "../directory_driver/layer_list.ts";
import { FILES, SUBVOLUME_CALLS, type SubvolumeCalls, TREE } from "./calls.ts";
import { applyLayer, type Trees, withoutMarks } from "./layer_application.ts";

/** Docker's mode for the root of a container, whatever its layers say. */
const ROOT_MODE = 0o755;
/** The chain of no layers. */
const EMPTY = "empty";

/** One step: a chain's name, and what it is made of. */
interface Link {
  readonly name: string;
  /** Lowest first; the last one is applied to what the others make. */
  readonly layers: readonly Digest[];
  /** The chain below; undefined: there is none. */
  readonly below: string | undefined;
}

export interface ChainSnapshotsOptions {
  readonly calls?: SubvolumeCalls;
  /** Makes what is missing of a chain in another thread. */
  readonly elsewhere?: ((layers: readonly Digest[]) => Promise<void>) | undefined;
}

export class ChainSnapshots {
  readonly #root: string;
  readonly #calls: SubvolumeCalls;
  readonly #elsewhere: ChainSnapshotsOptions["elsewhere"];
  readonly #making = new Map<string, Promise<void>>();

  constructor(root: string, { calls = SUBVOLUME_CALLS, elsewhere }: ChainSnapshotsOptions = {}) {
    this.#root = root;
    this.#calls = calls;
    this.#elsewhere = elsewhere;
  }

  /** Makes what is missing of a chain; gives the path of its subvolume. Its layers are there. @throws {TsdError} storage */
  async ensure(layers: readonly Digest[]): Promise<string> {
    const names = (await chainIds(layers)).map(hexOf);
    const links = names.map((name, n): Link => ({ name, layers: layers.slice(0, n + 1), below: names[n - 1] }));
    if (links.length === 0) links.push({ name: EMPTY, layers: [], below: undefined });
    return await attempting("Cannot put layers together", async () => {
      const present = new Set(await this.list());
      const missing = links.slice(links.findLastIndex(({ name }) => present.has(name)) + 1);
      if (missing.length > 0 && layers.length > 0 && this.#elsewhere !== undefined) await this.#elsewhere(layers);
      else for (const link of missing) await this.#makeOnce(link);
      return this.#filesOf(links.at(-1)!.name);
    });
  }

  list(): Promise<string[]> {
    return namesIn(this.#dir);
  }

  /** Removes all chains that a layer is part of. @throws {TsdError} storage */
  async removeOver(diffId: Digest): Promise<void> {
    await this.#removeThose((layers) => layers.includes(diffId));
  }

  /** Removes chains that were left without one of their layers when an engine was killed. @throws {TsdError} storage */
  async sweep(): Promise<void> {
    const present = new Set((await namesIn(`${this.#root}/layers`)).map((hex) => `sha256:${hex}`));
    await this.#removeThose((layers) => layers.some((layer) => !present.has(layer)));
  }

  get #dir(): string {
    return `${this.#root}/chains`;
  }

  #filesOf(name: string): string {
    return `${this.#dir}/${name}/${FILES}`;
  }

  async #removeThose(isRequested: (layers: readonly Digest[]) => boolean): Promise<void> {
    await attempting("Cannot remove what layers were put together to", async () => {
      const unwanted = (await this.list()).filter((name) => {
        const text = readIfExists(`${this.#dir}/${name}/${LAYERS_NAME}`);
        const layers = text === undefined ? undefined : decodeLayers(text);
        // One that doesn't say what it is made of is of no use either.
        return layers === undefined || isRequested(layers);
      });
      if (unwanted.length === 0) return;
      // All in one: what is in a workspace goes with one commit.
      await using stagingDir = await StagingDir.create(this.#root);
      for (const name of unwanted) {
        try {
          await Deno.rename(`${this.#dir}/${name}`, `${stagingDir.path}/${name}`);
        } catch (thrown) {
          if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
        }
      }
    });
  }

  /** Once, however many containers are made over it now. */
  async #makeOnce(link: Link): Promise<void> {
    let making = this.#making.get(link.name);
    if (making === undefined) {
      making = this.#make(link).finally(() => this.#making.delete(link.name));
      this.#making.set(link.name, making);
    }
    await making;
  }

  async #make(link: Link): Promise<void> {
    await using stagingDir = await StagingDir.create(this.#root);
    const path = `${stagingDir.path}/chain`;
    await Deno.mkdir(path, { mode: 0o700 });
    {
      using dir = openDir(path, this.#calls);
      await this.#fill(dir, link);
    }
    await writeSynced(`${path}/${LAYERS_NAME}`, encodeLayers(link.layers));
    await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
    try {
      await Deno.rename(path, `${this.#dir}/${link.name}`);
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown;
    }
    await syncDir(this.#dir);
  }

  /** Makes the subvolume, durably and read-only. */
  async #fill(dir: { readonly fd: number }, { layers, below }: Link): Promise<void> {
    const calls = this.#calls;
    const layer = layers.at(-1);
    const layerFiles = layer === undefined ? undefined : `${this.#root}/layers/${hexOf(layer)}/${FILES}`;
    const origin = below === undefined ? layerFiles : this.#filesOf(below);
    const name = cString(FILES);
    if (origin === undefined) calls.createSubvolume(dir.fd, name);
    else {
      using source = openDir(origin, calls);
      calls.snapshotSubvolume(dir.fd, name, { fd: source.fd, isReadOnly: false });
    }
    using open = new DisposableStack();
    const files = open.use(openDir(`/proc/self/fd/${dir.fd}/${FILES}`, calls));
    if (layerFiles === undefined) calls.mkdirat(files.fd, cString(TREE), ROOT_MODE);
    const tree = open.use(openDir(`${files.procPath}/${TREE}`, calls));
    if (below !== undefined) {
      const trees: Trees = { layer: open.use(openDir(`${layerFiles}/${TREE}`, calls)), target: tree };
      await applyLayer(trees, calls);
    } else if (layerFiles !== undefined) await withoutMarks(files, tree, calls);
    calls.fchown(tree.fd, 0, 0);
    for (const key of calls.flistxattr(tree.fd)) calls.fremovexattr(tree.fd, cString(key));
    calls.fchmod(tree.fd, ROOT_MODE);
    calls.syncfs(files.fd);
    calls.setReadOnlySubvolume(files.fd, true);
  }
}
