/**
 * @module
 * What containers have of networks while they run: a namespace with interfaces and addresses, and published ports. Whoever
 * starts, stops, connects or disconnects one holds the container's lock.
 */
import { prefixed, toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Container } from "../model/container.ts";
import { randomId } from "../model/names.ts";
import { type NetworkEvents, reportedOf } from "../events/network_events.ts";
import { ContainerPorts } from "./container_ports.ts";
import { NetworkConnector } from "./connect.ts";
import { nameServerOf } from "./dns_records.ts";
import type { EmbeddedDns } from "./embedded_dns.ts";
import type { Namespaces } from "./namespaces.ts";
import { endpointStateOf } from "./endpoint_settings.ts";
import { NetworkRestore } from "./network_restore.ts";
import { NetworkRepair } from "./network_repair.ts";
import { NetworkState, type NetworkStateDeps } from "./network_state.ts";
import type { Endpoint, EndpointState, Network, Sandbox, StoredNetworks } from "../model/network.ts";
import { hasBridge, networkKind, requestedNetworks } from "../model/network_mode.ts";
import { type EndpointSetup, LINKS, routesOf, setUpEndpoint } from "./endpoint_setup.ts";
import type { PortMapper } from "./port_mapper.ts";
import { PublishedPorts } from "./published_ports.ts";

/** What Docker puts before whatever is wrong with a container's network. */
const FAILED = "failed to set up container networking";

export interface ContainerNetworksDeps extends NetworkStateDeps {
  readonly log: Log;
  readonly events: NetworkEvents;
  readonly records: Pick<
    StoredNetworks,
    "begin" | "end" | "saveSandbox" | "saveEndpoint" | "removeEndpoint" | "endpoints" | "sandboxes"
  >;
  readonly namespaces: Namespaces;
  readonly publisher: PortMapper;
  /** Where ports are published that name no address, nor does their network; empty for everywhere. */
  readonly defaultBind: string;
  /** Whether others that run have joined the namespace of a container. */
  readonly isShared: (containerId: string) => boolean;
  readonly container: (id: string) => Container | undefined;
  readonly names: (endpoints: () => readonly (readonly Endpoint[])[]) => EmbeddedDns;
}

/** See the module's comment. */
export class ContainerNetworks {
  readonly #deps: ContainerNetworksDeps;
  readonly #state: NetworkState;
  readonly #names: EmbeddedDns;
  readonly #ports: ContainerPorts;
  readonly published: PublishedPorts;
  readonly members: NetworkConnector;
  readonly lifetime: NetworkRestore;

  constructor(deps: ContainerNetworksDeps) {
    const { log, records, namespaces, events, forwarding, publisher, table, defaultBind } = deps;
    this.#deps = deps;
    const state = this.#state = new NetworkState(deps);
    const names = this.#names = deps.names(() => state.leases.all());
    const ports = this.#ports = new ContainerPorts({
      ...{ publisher, table },
      bindAddress: (network) => state.bridges.optionsOf(network).bindAddress ?? defaultBind,
      endpointsOf: (id) => state.leases.of(id),
    });
    this.published = new PublishedPorts({ state, ports, records });
    this.members = new NetworkConnector({ state, records, namespaces, events });
    const stop = (id: string) => this.stop(id);
    const repair = new NetworkRepair({ log, state, namespaces, container: deps.container });
    this.lifetime = new NetworkRestore({ log, state, ports, names, namespaces, repair, forwarding, stop });
  }

  get bridges(): NetworkState["bridges"] {
    return this.#state.bridges;
  }

  get rules(): NetworkState["rules"] {
    return this.#state.rules;
  }

  /** What inspect and ps show. */
  endpointsOf(container: Pick<Container, "id" | "name" | "record">): EndpointState {
    const { id } = container;
    const { sandboxes, leases, table } = this.#state;
    return endpointStateOf(container, sandboxes.get(id), leases.of(id), table);
  }

  /** Where a running container asks for names; undefined where it has no network with names. */
  nameServerOf({ id }: Pick<Container, "id">): string | undefined {
    return nameServerOf(this.#state.leases.of(id), this.#state.table);
  }

  /** Containers have other names, or are in other networks. */
  async updateNames(): Promise<void> {
    await this.#names.update();
  }

  /** Which running containers have what in a network. */
  leasesOf(network: Pick<Network, "id">): Endpoint[] {
    return this.#state.leases.ofNetwork(network);
  }

  /** The address by which containers reach the host, if there is one yet. */
  get hostGateway(): string | undefined {
    return this.#state.table.predefined("bridge").record.gateway;
  }

  /**
   * Makes what a container needs before its first process: undefined where it has no network of ours.
   * @throws {TsdError} network_not_found, port_in_use, network_exhausted, runtime_missing, runtime_failed
   */
  async start(container: Container): Promise<Sandbox | undefined> {
    if (!hasBridge(networkKind(container.record.hostConfig))) return undefined;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => this.stop(container.id));
    try {
      const sandbox = await this.#begin(container);
      undo.move();
      return sandbox;
    } catch (thrown) {
      throw prefixed(FAILED, thrown);
    }
  }

  /**
   * Gives back what others may use as soon as they are told of the end of a run: its ports, and its addresses where these
   * take time, because they are taken from a namespace that others stay in. {@link release} gives back the rest at once.
   */
  async close(id: string): Promise<void> {
    await (this.#deps.isShared(id) ? this.release(id) : this.published.close(id));
  }

  /** Takes away what a container's run has of networks, also what an engine that was killed has left. */
  async stop(id: string): Promise<void> {
    await this.release(id);
    this.#deps.namespaces.drop(id);
  }

  /** Gives back address and ports, so that others can have them. */
  async release(id: string): Promise<void> {
    const { records, events, isShared } = this.#deps;
    const { leases, sandboxes, table } = this.#state;
    await this.published.close(id);
    const endpoints = leases.of(id);
    if (!sandboxes.delete(id) && endpoints.length === 0) return;
    if (isShared(id)) await this.#release(endpoints);
    leases.drop(id);
    const networks = endpoints.map(({ networkId }) => reportedOf(table.known(networkId)));
    events.emitAll("disconnect", networks, { container: id }, { write: () => records.end(id) });
    await this.#names.update();
  }

  async #begin(container: Container): Promise<Sandbox> {
    const { records, namespaces, events } = this.#deps;
    const { leases, sandboxes, table, rules } = this.#state;
    const { id } = container;
    using reserved = new DisposableStack();
    const places = await this.#places(container, reserved);
    const endpoints = places.map(({ endpoint }) => endpoint);
    const ports = await this.#ports.publish(container, endpoints);
    const sandbox = { id: randomId(), path: namespaces.pathOf(id), ports };
    const networks = places.map(({ network }) => reportedOf(network));
    const write = () => records.begin(endpoints, id, sandbox);
    // What is recorded is told, also where it comes to nothing: then it is told that it has gone.
    events.emitAll("connect", networks, { container: id }, { write });
    for (const endpoint of endpoints) leases.keep(endpoint);
    sandboxes.set(id, sandbox);
    const batch = places.map(({ batch }) => batch).join("") + routesOf(leases.of(id), table);
    const steps = await Promise.allSettled([namespaces.make(id, batch), rules.update(), this.#names.update()]);
    for (const step of steps) if (step.status === "rejected") throw step.reason;
    return sandbox;
  }

  /** In all networks that a container wants. */
  async #places(container: Container, reserved: DisposableStack): Promise<EndpointSetup[]> {
    const places = new Map<string, EndpointSetup>();
    for (const [name, requested] of requestedNetworks(container.record)) {
      const { id } = this.#state.table.find(name);
      // Somebody may have named one twice, by its name and by its id.
      if (places.has(id)) continue;
      places.set(
        id,
        await setUpEndpoint(container, { name: id, requested, link: LINKS[places.size]! }, reserved, this.#state),
      );
    }
    return [...places.values()];
  }

  /** Who has joined a container stays in its namespace, and would have addresses that others can get. As in Docker. */
  async #release(endpoints: readonly Endpoint[]): Promise<void> {
    const links = endpoints.map(({ lease }) => lease.hostLink);
    await this.#deps.namespaces.removeLinks(links).catch((thrown) => {
      this.#deps.log.warn("interfaces stay", { error: toTsdError(thrown).message });
    });
  }
}
