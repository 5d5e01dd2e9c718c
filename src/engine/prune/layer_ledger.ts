import type { Digest } from "../../image/digest.ts";
import type { ImageRecords } from "../../store/image_records.ts";
import type { ContainerTable } from "../containers/container_table.ts";
import { neededImages } from "../containers/image_mounts.ts";
import type { LayerLeases } from "../images/layer_leases.ts";

/** Counts who needs each layer, to tell what goes when one after the other of them goes. */
export class LayerLedger {
  readonly #users = new Map<Digest, number>();

  /** @param users the layers that each of them needs */
  constructor(users: Iterable<readonly Digest[]>) {
    for (const layers of users) {
      for (const diffId of new Set(layers)) this.#users.set(diffId, (this.#users.get(diffId) ?? 0) + 1);
    }
  }

  /** One that needed these layers goes; those that nobody needs any more. */
  release(layers: readonly Digest[]): Digest[] {
    return [...new Set(layers)].filter((diffId) => {
      const left = (this.#users.get(diffId) ?? 1) - 1;
      this.#users.set(diffId, left);
      return left === 0;
    });
  }
}

/** Everything that needs layers. */
export interface LayerUsers {
  readonly records: Pick<ImageRecords, "list">;
  readonly table: Pick<ContainerTable, "list">;
  readonly leases: Pick<LayerLeases, "held">;
}

/** The ledger of this moment. */
export function currentLedger({ records, table, leases }: LayerUsers): LayerLedger {
  return new LayerLedger([
    ...records.list().map(({ layers }) => layers),
    ...table.list().flatMap(({ record }) => neededImages(record)).map(({ layers }) => layers),
    leases.held(),
  ]);
}
