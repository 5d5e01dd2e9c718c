/**
 * @module
 * Restores what other programs have removed of the networks of running containers: bridges, interfaces, and the mounts that
 * pin their namespaces. What is still there stays as it is.
 */
import { isTsdError, toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Container } from "../model/container.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Endpoint } from "../model/network.ts";
import type { NetworkState } from "./network_state.ts";
import { hasInterfaces, interfacesOf, routesOf } from "./endpoint_setup.ts";

export interface NetworkRepairDeps {
  readonly log: Log;
  readonly state: Pick<NetworkState, "sandboxes" | "bridges" | "leases" | "table">;
  readonly namespaces: Pick<Namespaces, "change" | "pin">;
  readonly container: (id: string) => Container | undefined;
}

/** See the module's comment. What can't be restored is logged. */
export class NetworkRepair {
  readonly #deps: NetworkRepairDeps;

  constructor(deps: NetworkRepairDeps) {
    this.#deps = deps;
  }

  /** Everything of the containers that run. @param whole also what bridges that are there have lost: their addresses and interfaces */
  async run({ whole = false } = {}): Promise<void> {
    const { state: { sandboxes, leases, bridges, table } } = this.#deps;
    const used = [...sandboxes.keys()].flatMap((id) => leases.of(id));
    for (const networkId of new Set(used.map((endpoint) => endpoint.networkId))) {
      const network = table.known(networkId);
      await this.#tried("a bridge can't be restored", () => whole ? bridges.repair(network) : bridges.ensure(network));
    }
    for (const id of sandboxes.keys()) {
      await this.#tried("a container's network can't be restored", () => this.#container(id), { container: id });
    }
  }

  async #container(id: string): Promise<void> {
    const { log, namespaces, state: { leases, table }, container } = this.#deps;
    const found = container(id);
    if (found === undefined || !found.isRunning) return;
    if (namespaces.pin(id, found.running())) log.warn("pinned a network namespace again", { container: id });
    const missing = leases.of(id).filter((endpoint) => !hasInterfaces(endpoint));
    if (missing.length === 0) return;
    const batches = await Promise.all(missing.map((endpoint) => this.#interfacesOf(endpoint)));
    await namespaces.change(id, batches.join("") + routesOf(leases.of(id), table));
    log.warn("restored interfaces that were removed", { container: id, count: missing.length });
  }

  async #interfacesOf({ networkId, lease }: Endpoint): Promise<string> {
    const { bridges, table } = this.#deps.state;
    return interfacesOf(lease, await bridges.ensure(table.known(networkId)));
  }

  async #tried(trouble: string, step: () => Promise<unknown>, fields: Record<string, string> = {}): Promise<void> {
    try {
      await step();
    } catch (thrown) {
      // It has just ended, and needs nothing any more.
      if (isTsdError(thrown, "not_running")) return;
      this.#deps.log.warn(trouble, { ...fields, error: toTsdError(thrown).message });
    }
  }
}
