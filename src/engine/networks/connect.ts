/**
 * @module
 * Networks that running containers come into and leave.
 */
import { removalBatch } from "../../network/ip_batch.ts";
import type { Container, RequestedEndpoint } from "../model/container.ts";
import { type NetworkEvents, reportedOf } from "../events/network_events.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Lease, Network, StoredNetworks } from "../model/network.ts";
import type { NetworkState } from "./network_state.ts";
import { hasInterfaces, LINKS, routesOf, setUpEndpoint } from "./endpoint_setup.ts";

export interface NetworkConnectorDeps {
  readonly state: NetworkState;
  readonly records: Pick<StoredNetworks, "saveEndpoint" | "removeEndpoint">;
  readonly namespaces: Pick<Namespaces, "change" | "pin" | "removeLinks">;
  readonly events: NetworkEvents;
}

/** See the module's comment. Whoever calls holds the container's lock. */
export class NetworkConnector {
  readonly #deps: NetworkConnectorDeps;

  constructor(deps: NetworkConnectorDeps) {
    this.#deps = deps;
  }

  /** @throws {TsdError} network_not_found, network_exhausted, runtime_missing, runtime_failed */
  async connect(container: Container, name: string, requested: RequestedEndpoint): Promise<Lease> {
    const { id } = container;
    const { state, records, namespaces, events } = this.#deps;
    const { leases } = state;
    namespaces.pin(id, container.running());
    const used = new Set(leases.of(id).map(({ lease }) => lease.link));
    const link = LINKS.find((each) => !used.has(each))!;
    using reserved = new DisposableStack();
    const { endpoint, network, batch } = await setUpEndpoint(container, { name, requested, link }, reserved, state);
    const ruled = state.ruleset().ports;
    await using undo = new AsyncDisposableStack();
    const write = () => records.saveEndpoint(endpoint);
    const intent = events.intend("connect", reportedOf(network), { container: id }, { write });
    leases.keep(endpoint);
    undo.defer(() => {
      records.removeEndpoint(id, network.id);
      leases.dropOne(id, network.id);
      intent.drop();
    });
    undo.defer(() => namespaces.removeLinks([endpoint.lease.hostLink]));
    const routed = [...leases.of(id).filter((each) => each !== endpoint && hasInterfaces(each)), endpoint];
    await namespaces.change(id, batch + routesOf(routed, state.table));
    undo.move();
    await state.rule(ruled);
    intent.publish();
    return endpoint.lease;
  }

  /** Undefined where it isn't in that network. @throws {TsdError} runtime_failed */
  async disconnect(container: Container, network: Network): Promise<Lease | undefined> {
    const { id } = container;
    const { state, records, namespaces, events } = this.#deps;
    const { leases, table } = state;
    const endpoint = leases.of(id).find(({ networkId }) => networkId === network.id);
    if (endpoint === undefined) return undefined;
    const { lease } = endpoint;
    const ruled = state.ruleset().ports;
    namespaces.pin(id, container.running());
    if (hasInterfaces(endpoint)) await namespaces.change(id, removalBatch(lease.link));
    const write = () => records.removeEndpoint(id, network.id);
    events.emit("disconnect", reportedOf(network), { container: id }, { write });
    leases.dropOne(id, network.id);
    const route = routesOf(leases.of(id).filter(hasInterfaces), table);
    if (route !== "") await namespaces.change(id, route);
    await state.rule(ruled);
    return lease;
  }
}
