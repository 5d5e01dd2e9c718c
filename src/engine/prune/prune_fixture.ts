/** Images, containers and a fake clock for the tests of prune. */
import { TsdError } from "../../errors.ts";
import { parseImageConfig } from "../../image/config.ts";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import { Database } from "../../store/database.ts";
import { ImageRecords } from "../../store/image_records.ts";
import type { Container, ContainerState } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { FakeClock } from "../../async/clock_testing.ts";
import type { CatalogImage, ImageCatalog } from "../images/image_catalog.ts";
import type { Discarded } from "../images/image_remover.ts";
import { LayerLeases } from "../images/layer_leases.ts";
import { LayerSizes } from "../images/layer_sizes.ts";
import { ContainerPruner } from "./container_pruner.ts";
import { ImagePruner } from "./image_pruner.ts";
import { currentLedger } from "./layer_ledger.ts";
import type { PruneFixture, PruneSelection } from "./prune_plan.ts";

export const digest = (fill: string): Digest => digestOfHex(fill.repeat(64));
/** Returns the diffID of a layer whose size is ten times its number, in bytes. */
export const layer = (number: number): Digest => digest(String(number));

export const ALL: PruneSelection = { all: true, passes: () => true };
export const DANGLING: PruneSelection = { all: false, passes: () => true };
export const NEVER_ABORTED = new AbortController().signal;

/** Images and containers in memory, and pruners over them. */
export class PruneSetup implements Disposable {
  readonly #db = Database.open(":memory:");
  readonly records = new ImageRecords(this.#db);
  readonly clock = new FakeClock(1_000_000);
  readonly leases = new LayerLeases(() => this.clock.now());
  readonly containers: Container[] = [];
  readonly removedContainers: string[] = [];
  readonly layerSizes = new LayerSizes({
    info: (diffId) => {
      const contentBytes = 10 * Number(diffId.at(-1));
      return Promise.resolve({ diffId, contentBytes, tarBytes: 0, entries: 0 });
    },
  });
  /** If set, the removal of a container fails with this error. */
  failure: TsdError | undefined;
  /** Called while an image's labels are looked up. */
  beforeDiscard: () => void = () => {};
  damaged: Digest | undefined;

  get #table() {
    return {
      list: () => this.containers,
      has: (id: string) => this.containers.some((container) => container.id === id),
      find: (id: string) => this.containers.find((container) => container.id === id)!,
      ofImage: (id: Digest) => this.containers.filter(({ record }) => record.imageId === id),
    } satisfies Partial<ContainerTable>;
  }

  get layerUsers() {
    return { records: this.records, table: this.#table, leases: this.leases };
  }

  get containerPruner(): ContainerPruner {
    return new ContainerPruner({
      table: this.#table,
      containers: {
        remove: (id) => {
          if (this.failure !== undefined) return Promise.reject(this.failure);
          this.removedContainers.push(id);
          return Promise.resolve();
        },
      },
      sizes: { of: () => Promise.resolve({ written: 5, total: 5 }) },
      layerSizes: this.layerSizes,
      layerUsers: this.layerUsers,
      clock: this.clock,
    });
  }

  get imagePruner(): ImagePruner {
    return new ImagePruner({
      records: this.records,
      catalog: { get: (id) => this.#image(id) } satisfies Pick<ImageCatalog, "get">,
      remover: { discard: (id, objection) => this.#discard(id, objection) },
      leases: this.leases,
      table: this.#table,
      layerSizes: this.layerSizes,
      clock: this.clock,
    });
  }

  fixture(spared: readonly string[] = []): PruneFixture {
    return { spared: new Set(spared), going: new Set(), ledger: currentLedger(this.layerUsers) };
  }

  addImage(fill: string, layers: readonly number[], tag?: string): Digest {
    const id = digest(fill);
    const record = { id, manifestDigest: id, layers: layers.map(layer), sizeBytes: 1, addedMs: 1 };
    this.records.put(record, tag === undefined ? {} : { tag: `docker.io/library/${tag}` });
    return id;
  }

  addContainer(id: string, imageId: Digest, state: Partial<ContainerState>, layers: readonly number[] = []): Container {
    const isActive = ["running", "paused", "restarting"].includes(state.status ?? "");
    const record = { imageId, layers: layers.map(layer), config: { Labels: { of: id } } };
    const container = { id, name: `${id}-name`, createdMs: 1_000_000, record, state, isActive, canRemove: !isActive };
    this.containers.push(container as unknown as Container);
    return container as unknown as Container;
  }

  #image(id: Digest): Promise<CatalogImage | undefined> {
    if (id === this.damaged) return Promise.reject(new TsdError("storage", "its config is damaged"));
    const text = {
      os: "linux",
      architecture: "amd64",
      created: "2024-01-01T00:00:00Z",
      config: { Labels: { a: "b" } },
    };
    const bytes = new TextEncoder().encode(JSON.stringify({ ...text, rootfs: { type: "layers", diff_ids: [] } }));
    const record = this.records.get(id)!;
    const config = parseImageConfig(bytes, "a test's config");
    return Promise.resolve({ record, config, names: this.records.names(id) });
  }

  #discard(id: Digest, objection: () => string | undefined): Promise<Discarded | string> {
    this.beforeDiscard();
    const why = objection();
    if (why !== undefined) return Promise.resolve(why);
    const { layers } = this.records.get(id)!;
    this.records.remove(id);
    return Promise.resolve({ items: [{ Deleted: id }], layers });
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }
}
