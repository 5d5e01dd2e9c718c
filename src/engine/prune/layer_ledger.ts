import type { Digest } from "../../image/digest.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { neededImages } from "../model/needed_images.ts";
import type { LayerLeases } from "../images/layer_leases.ts";

/** Reference counts of layers, to compute which layers a sequence of removals frees. */
export class LayerLedger {
  readonly #users = new Map<Digest, number>();

  /** @param users the layers of each image, container or lease */
  constructor(users: Iterable<readonly Digest[]>) {
    for (const layers of users) {
      for (const diffId of new Set(layers)) this.#users.set(diffId, (this.#users.get(diffId) ?? 0) + 1);
    }
  }

  /** Releases the layers of one user; returns those that are unreferenced now. */
  release(layers: readonly Digest[]): Digest[] {
    return [...new Set(layers)].filter((diffId) => {
      const remaining = (this.#users.get(diffId) ?? 1) - 1;
      this.#users.set(diffId, remaining);
      return remaining === 0;
    });
  }
}

/** Everything that references layers. */
export interface LayerUsers {
  readonly records: Pick<ImageRecords, "list">;
  readonly table: Pick<ContainerTable, "list">;
  readonly leases: Pick<LayerLeases, "held">;
}

/** Returns a ledger of the current references. */
export function currentLedger({ records, table, leases }: LayerUsers): LayerLedger {
  return new LayerLedger([
    ...records.list().map(({ layers }) => layers),
    ...table.list().flatMap(({ record }) => neededImages(record)).map(({ layers }) => layers),
    leases.held(),
  ]);
}
