/**
 * Chains of layers, merged into one subvolume each, of which a container's root is a snapshot. A chain is a cache
 * entry, named by its chain id and created when it is first needed: a snapshot of the chain below it with one layer
 * applied. It shares all data with the layers, and is removed with the first of them.
 */
import { chainIds } from "../../image/chain_id.ts";
import { type Digest, hexOf } from "../../image/digest.ts";
import { readIfExists } from "../../io/if_exists.ts";
import { syncDir, writeSynced } from "../../io/mod.ts";
import { cString } from "../../sys/mod.ts";
import { isNotEmptyError, withStorageErrors } from "../directory_driver/storage_failure.ts";
import { namesIn, StagingDir } from "../directory_driver/staging_dir.ts";
import { openDir } from "../overlay/merged_layers.ts";
import { decodeLayers, encodeLayers, LAYERS_NAME } from "../directory_driver/layer_list.ts";
import { FILES, SUBVOLUME_CALLS, type SubvolumeCalls, TREE } from "./calls.ts";
import { applyLayer, removeMarks, type Trees } from "./layer_application.ts";

/** Docker's mode for a container's root, regardless of its layers. */
const ROOT_MODE = 0o755;
/** The chain without layers. */
const EMPTY = "empty";

/** One step of preparing a chain: its name, and what it consists of. */
interface Link {
  readonly name: string;
  /** Lowest first; the last one is applied to the chain of the others. */
  readonly layers: readonly Digest[];
  /** Name of the chain below, if any. */
  readonly below: string | undefined;
}

export interface ChainSnapshotsOptions {
  readonly calls?: SubvolumeCalls;
  /** Prepares a chain in another thread. */
  readonly elsewhere?: ((layers: readonly Digest[]) => Promise<void>) | undefined;
}

export class ChainSnapshots {
  readonly #root: string;
  readonly #calls: SubvolumeCalls;
  readonly #elsewhere: ChainSnapshotsOptions["elsewhere"];
  readonly #preparations = new Map<string, Promise<void>>();

  constructor(root: string, { calls = SUBVOLUME_CALLS, elsewhere }: ChainSnapshotsOptions = {}) {
    this.#root = root;
    this.#calls = calls;
    this.#elsewhere = elsewhere;
  }

  /**
   * Prepares a chain, as far as it is missing, and returns the path of its subvolume. The layers must exist.
   * @throws {TsdError} storage
   */
  async ensure(layers: readonly Digest[]): Promise<string> {
    const names = (await chainIds(layers)).map(hexOf);
    const links = names.map((name, n): Link => ({ name, layers: layers.slice(0, n + 1), below: names[n - 1] }));
    if (links.length === 0) links.push({ name: EMPTY, layers: [], below: undefined });
    return await withStorageErrors("Cannot put layers together", async () => {
      const present = new Set(await this.list());
      const missing = links.slice(links.findLastIndex(({ name }) => present.has(name)) + 1);
      if (missing.length > 0 && layers.length > 0 && this.#elsewhere !== undefined) await this.#elsewhere(layers);
      else for (const link of missing) await this.#createOnce(link);
      return this.#filesOf(links.at(-1)!.name);
    });
  }

  list(): Promise<string[]> {
    return namesIn(this.#dir);
  }

  /** Removes all chains that contain a layer. @throws {TsdError} storage */
  async removeOver(diffId: Digest): Promise<void> {
    await this.#removeMatching((layers) => layers.includes(diffId));
  }

  /** Removes chains that lack one of their layers because an engine was killed. @throws {TsdError} storage */
  async sweep(): Promise<void> {
    const present = new Set((await namesIn(`${this.#root}/layers`)).map((hex) => `sha256:${hex}`));
    await this.#removeMatching((layers) => layers.some((layer) => !present.has(layer)));
  }

  get #dir(): string {
    return `${this.#root}/chains`;
  }

  #filesOf(name: string): string {
    return `${this.#dir}/${name}/${FILES}`;
  }

  async #removeMatching(matches: (layers: readonly Digest[]) => boolean): Promise<void> {
    await withStorageErrors("Cannot remove what layers were put together to", async () => {
      const unwanted = (await this.list()).filter((name) => {
        const text = readIfExists(`${this.#dir}/${name}/${LAYERS_NAME}`);
        const layers = text === undefined ? undefined : decodeLayers(text);
        // A chain whose layers are unknown is useless too.
        return layers === undefined || matches(layers);
      });
      if (unwanted.length === 0) return;
      // All in one staging directory, which is deleted with a single commit.
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

  /** Creates a link once for all concurrent callers. */
  async #createOnce(link: Link): Promise<void> {
    let preparation = this.#preparations.get(link.name);
    if (preparation === undefined) {
      preparation = this.#create(link).finally(() => this.#preparations.delete(link.name));
      this.#preparations.set(link.name, preparation);
    }
    await preparation;
  }

  async #create(link: Link): Promise<void> {
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
      if (!isNotEmptyError(thrown)) throw thrown;
    }
    await syncDir(this.#dir);
  }

  /** Creates the subvolume, durably and read-only. */
  async #fill(dir: { readonly fd: number }, { layers, below }: Link): Promise<void> {
    const calls = this.#calls;
    const layer = layers.at(-1);
    const layerFiles = layer === undefined ? undefined : `${this.#root}/layers/${hexOf(layer)}/${FILES}`;
    const parentFiles = below === undefined ? layerFiles : this.#filesOf(below);
    const name = cString(FILES);
    if (parentFiles === undefined) calls.createSubvolume(dir.fd, name);
    else {
      using source = openDir(parentFiles, calls);
      calls.snapshotSubvolume(dir.fd, name, { fd: source.fd, isReadOnly: false });
    }
    using open = new DisposableStack();
    const files = open.use(openDir(`/proc/self/fd/${dir.fd}/${FILES}`, calls));
    if (layerFiles === undefined) calls.mkdirat(files.fd, cString(TREE), ROOT_MODE);
    const tree = open.use(openDir(`${files.procPath}/${TREE}`, calls));
    if (below !== undefined) {
      const trees: Trees = { layer: open.use(openDir(`${layerFiles}/${TREE}`, calls)), target: tree };
      await applyLayer(trees, calls);
    } else if (layerFiles !== undefined) await removeMarks(files, tree, calls);
    calls.fchown(tree.fd, 0, 0);
    for (const key of calls.flistxattr(tree.fd)) calls.fremovexattr(tree.fd, cString(key));
    calls.fchmod(tree.fd, ROOT_MODE);
    calls.syncfs(files.fd);
    calls.setReadOnlySubvolume(files.fd, true);
  }
}
