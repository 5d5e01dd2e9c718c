/**
 * @module
 * Prunes user-defined networks that no container, running or not, is connected to.
 */
import { isTsdError } from "../../errors.ts";
import type { NetworkService } from "../networks/network_service.ts";
import { isPredefined, type NetworkTable } from "../networks/network_table.ts";
import type { PruneFixture, PruneItem, Pruner, PruneResult, PruneSelection } from "./prune_plan.ts";

export interface NetworkPrunerDeps {
  readonly table: Pick<NetworkTable, "list" | "has" | "known">;
  readonly networks: Pick<NetworkService, "remove" | "usersOf">;
}

/** Finds and removes unused user-defined networks. */
export class NetworkPruner implements Pruner {
  readonly kind = "network";
  readonly #deps: NetworkPrunerDeps;

  constructor(deps: NetworkPrunerDeps) {
    this.#deps = deps;
  }

  find({ passes }: PruneSelection, { spared, going }: PruneFixture): Promise<PruneItem[]> {
    const { table, networks } = this.#deps;
    const unused = table.list().filter((network) => {
      const { id, createdMs, record: { labels = {} } } = network;
      if (isPredefined(network) || spared.has(id) || !passes({ createdMs, labels })) return false;
      return networks.usersOf(network).every((container) => going.has(container.id));
    });
    return Promise.resolve(unused.map(({ id, name, record: { labels = {} } }): PruneItem => ({
      ...{ kind: this.kind, id, names: [name], labels, why: "no container is in it", bytes: 0 },
    })));
  }

  async remove({ id }: Pick<PruneItem, "id">): Promise<PruneResult> {
    const { table, networks } = this.#deps;
    if (!table.has(id)) return { bytes: 0 };
    if (networks.usersOf(table.known(id)).length > 0) return { kept: "a container is in it now" };
    try {
      await networks.remove(id);
    } catch (thrown) {
      if (isTsdError(thrown, "permission_denied")) return { kept: thrown.message };
      throw thrown;
    }
    return { bytes: 0 };
  }
}
