/**
 * @module
 * What containers have of networks while they run: a namespace with interfaces and addresses, and published ports. Whoever
 * starts, stops, connects or disconnects one holds the container's lock.
 */
import { prefixed, toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { removalBatch } from "../../network/link_batch.ts";
import type { Family } from "../../network/address.ts";
import type { RuledPort, Ruleset } from "../../network/ruleset.ts";
import type { AskedEndpoint, Container } from "../containers/container.ts";
import { randomId } from "../containers/names.ts";
import type { NetworkEvents, ToldNetwork } from "../events/network_events.ts";
import type { Bridges } from "./bridges.ts";
import { ContainerPorts, type PortChange } from "./container_ports.ts";
import type { Forwarding } from "./forwarding.ts";
import { Leases } from "./leases.ts";
import { nameServerOf } from "./name_facts.ts";
import type { NameService } from "./name_service.ts";
import type { Namespaces } from "./namespaces.ts";
import { networkFacts } from "./network_facts.ts";
import type { Endpoint, Lease, Network, NetworkFacts, Sandbox, StoredNetworks } from "./network.ts";
import { askedNetworks, hasBridge, networkKind } from "./network_mode.ts";
import type { NetworkRules } from "./network_rules.ts";
import type { NetworkTable } from "./network_table.ts";
import { LINKS, type Place, routesOf, takePlace, type WantedPlace } from "./places.ts";
import type { PortPublisher } from "./port_publisher.ts";
import { countPorts, goneOf, ruledBridge, ruledPorts } from "./present_rules.ts";
import { wayOut, wayOutSix } from "./way_out.ts";

/** What Docker puts before whatever is wrong with a container's network. */
const FAILED = "failed to set up container networking";

export interface ContainerNetworksDeps {
  readonly log: Log;
  /** Name of the engine's rules. */
  readonly ruleTable: string;
  readonly table: NetworkTable;
  readonly events: NetworkEvents;
  readonly records: Pick<
    StoredNetworks,
    "begin" | "end" | "saveSandbox" | "saveEndpoint" | "removeEndpoint" | "endpoints" | "sandboxes"
  >;
  readonly namespaces: Namespaces;
  readonly publisher: PortPublisher;
  readonly forwarding: Readonly<Record<Family, Pick<Forwarding, "isOurs" | "end">>>;
  /** Where ports are published that name no address, nor does their network; empty for everywhere. */
  readonly defaultBind: string;
  /** Made with what this object knows. */
  readonly bridges: (isUsed: (network: Network) => boolean) => Bridges;
  readonly rules: (present: () => Ruleset) => NetworkRules;
  /** Whether others that run have joined the namespace of a container. */
  readonly isShared: (containerId: string) => boolean;
  readonly names: (endpoints: () => readonly (readonly Endpoint[])[]) => NameService;
}

/** Ports that are about to change. Disposed of before they are settled, they are what they were. */
export interface PendingPorts extends AsyncDisposable {
  settle(): Promise<void>;
}

/** See the module's comment. */
export class ContainerNetworks {
  readonly #deps: ContainerNetworksDeps;
  readonly bridges: Bridges;
  readonly rules: NetworkRules;
  readonly #names: NameService;
  readonly #leases: Leases;
  /** By container. */
  readonly #sandboxes: Map<string, Sandbox>;
  readonly #ports: ContainerPorts;

  constructor(deps: ContainerNetworksDeps) {
    this.#deps = deps;
    this.#leases = new Leases(deps.records.endpoints());
    this.#sandboxes = deps.records.sandboxes();
    this.bridges = deps.bridges((network) => this.leasesOf(network).length > 0);
    this.#ports = new ContainerPorts({
      publisher: deps.publisher,
      table: deps.table,
      bindAddress: (network) => this.bridges.optionsOf(network).bindAddress ?? deps.defaultBind,
      endpointsOf: (id) => this.#leases.of(id),
    });
    this.rules = deps.rules(() => this.#ruleset());
    this.#names = deps.names(() => this.#leases.all());
  }

  /** What inspect and ps show. */
  factsOf(container: Pick<Container, "id" | "name" | "record">): NetworkFacts {
    const { id } = container;
    return networkFacts(container, this.#sandboxes.get(id), this.#leases.of(id), this.#deps.table);
  }

  /** Where a running container asks for names; undefined where it has no network with names. */
  nameServerOf({ id }: Pick<Container, "id">): string | undefined {
    return nameServerOf(this.#leases.of(id), this.#deps.table);
  }

  /** Containers have other names, or are in other networks. */
  async updateNames(): Promise<void> {
    await this.#names.update();
  }

  /** Which running containers have what in a network. */
  leasesOf(network: Pick<Network, "id">): Endpoint[] {
    return this.#leases.ofNetwork(network);
  }

  /** The address by which containers reach the host, if there is one yet. */
  get hostGateway(): string | undefined {
    return this.#deps.table.predefined("bridge").record.gateway;
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

  /** Takes away what a container's run has of networks, also what an engine that was killed has left. */
  async stop(id: string): Promise<void> {
    await this.release(id);
    this.#deps.namespaces.drop(id);
  }

  /** Nobody gets to the container by its published ports any more, and others can have them. */
  async unpublish(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    await this.#ports.close(id);
    if (sandbox === undefined || sandbox.ports.length === 0) return;
    const before = this.#ruleset().ports;
    this.#sandboxes.set(id, { ...sandbox, ports: [] });
    await this.rules.settle();
    await this.rules.forget(goneOf(before, this.#ruleset().ports));
  }

  /**
   * Changes a running container's ports, all of it or nothing: those that come are there, and those that go as well, until
   * it is settled. Undefined where it has none. @throws {TsdError} port_in_use, runtime_*
   */
  async changePorts(container: Container, change: PortChange): Promise<PendingPorts | undefined> {
    const { id } = container;
    const before = this.#sandboxes.get(id);
    if (before === undefined) return undefined;
    const ruled = this.#ruleset().ports;
    await using undo = new AsyncDisposableStack();
    const exchange = undo.use(await this.#ports.exchange(container, change));
    undo.defer(async () => {
      this.#sandboxes.set(id, before);
      await this.rules.settle();
    });
    this.#sandboxes.set(id, { ...before, ports: exchange.both });
    await this.rules.update();
    const pending = undo.move();
    return {
      settle: async () => {
        const after = { ...before, ports: exchange.after };
        this.#deps.records.saveSandbox(id, after);
        this.#sandboxes.set(id, after);
        pending.move();
        // Whoever takes one of the removed must not find it among the rules.
        await this.rules.settle();
        await this.rules.forget(goneOf(ruled, this.#ruleset().ports));
        await exchange.settle();
      },
      [Symbol.asyncDispose]: () => pending.disposeAsync(),
    };
  }

  /** Gives back address and ports, so that others can have them. */
  async release(id: string): Promise<void> {
    const { records, events, table } = this.#deps;
    await this.unpublish(id);
    const endpoints = this.#leases.of(id);
    if (!this.#sandboxes.delete(id) && endpoints.length === 0) return;
    if (this.#deps.isShared(id)) await this.#takeAway(endpoints);
    this.#leases.drop(id);
    records.end(id);
    await this.#names.update();
    for (const { networkId } of endpoints) events.tell("disconnect", toldOf(table.known(networkId)), { container: id });
  }

  /** A running container comes into a network. @throws as `start` */
  async connect(container: Container, name: string, asked: AskedEndpoint): Promise<Lease> {
    const { id } = container;
    const { records, namespaces, events } = this.#deps;
    const used = new Set(this.#leases.of(id).map(({ lease }) => lease.link));
    const link = LINKS.find((each) => !used.has(each));
    using reserved = new DisposableStack();
    const { endpoint, network, batch } = await this.#place(container, { name, asked, link: link! }, reserved);
    const ruled = this.#ruleset().ports;
    await using undo = new AsyncDisposableStack();
    records.saveEndpoint(endpoint);
    this.#leases.keep(endpoint);
    undo.defer(() => {
      records.removeEndpoint(id, network.id);
      this.#leases.dropOne(id, network.id);
    });
    await namespaces.change(id, batch + this.#routeOf(id));
    undo.move();
    await this.#rule(ruled);
    events.tell("connect", toldOf(network), { container: id });
    return endpoint.lease;
  }

  /** A running container leaves a network that it is in. @throws {TsdError} runtime_failed */
  async disconnect({ id }: Container, network: Network): Promise<Lease | undefined> {
    const { records, namespaces, events } = this.#deps;
    const lease = this.#leases.of(id).find(({ networkId }) => networkId === network.id)?.lease;
    if (lease === undefined) return undefined;
    const ruled = this.#ruleset().ports;
    await namespaces.change(id, removalBatch(lease.link));
    records.removeEndpoint(id, network.id);
    this.#leases.dropOne(id, network.id);
    const route = this.#routeOf(id);
    if (route !== "") await namespaces.change(id, route);
    await this.#rule(ruled);
    events.tell("disconnect", toldOf(network), { container: id });
    return lease;
  }

  /** Takes up what a former engine left: running containers keep what they have, the rest goes. */
  async adopt(running: ReadonlySet<string>): Promise<void> {
    for (const id of [...this.#sandboxes.keys()]) if (!running.has(id)) await this.stop(id);
    await this.#deps.namespaces.sweep((id) => running.has(id));
    for (const [id, { ports }] of this.#sandboxes) {
      await this.#ports.again(id, ports);
    }
    // Also where there is nothing to rule: an engine that was killed may have left some.
    await Promise.all([
      this.rules.reload().catch((thrown) => this.#warn("the rules are not those of now", thrown)),
      this.#names.update(),
    ]);
  }

  /** Makes what the kernel should have anew, from the records; says of how much. @throws {TsdError} runtime_* */
  async reload(): Promise<{ readonly bridges: number; readonly ports: number }> {
    for (const bridge of this.bridges.present()) this.bridges.allow(bridge);
    await this.rules.reload();
    const { bridges, ports } = this.#ruleset();
    return { bridges: bridges.length, ports: countPorts(ports) };
  }

  /** The engine ends: what no running container uses goes; ports go on by the kernel's rules. */
  async leave(): Promise<void> {
    // Each step is tried, whatever became of the others.
    await this.#ports.leave().catch((thrown) => this.#warn("ports stay open", thrown));
    await this.#names.leave().catch((thrown) => this.#warn("names are still answered", thrown));
    const present = this.bridges.present();
    for (const { network } of present.filter(({ network }) => this.leasesOf(network).length === 0)) {
      await this.bridges.remove(network).catch((thrown) => this.#warn("a bridge stays", thrown));
    }
    // Without a bridge there is nothing to rule.
    if (this.bridges.present().length > 0) return this.rules[Symbol.dispose]();
    await this.rules.remove().catch((thrown) => this.#warn("rules stay", thrown));
    for (const family of [4, 6] as const) {
      await this.#deps.forwarding[family].end().catch((thrown) => this.#warn("packets are still forwarded", thrown));
    }
  }

  async #begin(container: Container): Promise<Sandbox> {
    const { records, namespaces, events } = this.#deps;
    const { id, record } = container;
    using reserved = new DisposableStack();
    const places = new Map<string, Place>();
    for (const [name, asked] of askedNetworks(record)) {
      const network = this.#deps.table.find(name);
      // Somebody may have named one twice, by its name and by its id.
      if (places.has(network.id)) continue;
      places.set(
        network.id,
        await this.#place(container, { name: network.id, asked, link: LINKS[places.size]! }, reserved),
      );
    }
    const endpoints = [...places.values()].map(({ endpoint }) => endpoint);
    const ports = await this.#ports.publish(container, endpoints);
    const sandbox = { id: randomId(), path: namespaces.pathOf(id), ports };
    records.begin(endpoints, id, sandbox);
    for (const endpoint of endpoints) this.#leases.keep(endpoint);
    this.#sandboxes.set(id, sandbox);
    const batch = [...places.values()].map(({ batch }) => batch).join("") + this.#routeOf(id);
    const steps = await Promise.allSettled([namespaces.make(id, batch), this.rules.update(), this.#names.update()]);
    for (const step of steps) if (step.status === "rejected") throw step.reason;
    for (const { network } of places.values()) events.tell("connect", toldOf(network), { container: id });
    return sandbox;
  }

  #place(container: Container, wanted: WantedPlace, held: DisposableStack): Promise<Place> {
    const { table } = this.#deps;
    return takePlace(container, wanted, held, { bridges: this.bridges, leases: this.#leases, table });
  }

  /** Who has joined a container stays in its namespace, and would have addresses that others can get. As in Docker. */
  async #takeAway(endpoints: readonly Endpoint[]): Promise<void> {
    const links = endpoints.map(({ lease }) => lease.hostLink);
    await this.#deps.namespaces.removeLinks(links).catch((thrown) => this.#warn("interfaces stay", thrown));
  }

  #ruleset(): Ruleset {
    const { ruleTable: table, forwarding, table: networks } = this.#deps;
    const targetOf = (id: string) => {
      const leases = this.#leases.of(id);
      return { address: wayOut(leases, networks)?.lease.address, six: wayOutSix(leases, networks)?.lease.six?.address };
    };
    return {
      table,
      bridges: this.bridges.present().map(ruledBridge),
      ports: ruledPorts(this.#sandboxes, targetOf),
      guardsForwarding: ([4, 6] as const).filter((family) => forwarding[family].isOurs),
    };
  }

  /** The rules are those of now, also for senders of datagrams. @param before where ports led; read first */
  async #rule(before: readonly RuledPort[]): Promise<void> {
    await this.rules.update();
    await this.rules.forget(goneOf(before, this.#ruleset().ports));
  }

  #routeOf(id: string): string {
    return routesOf(this.#leases.of(id), this.#deps.table);
  }

  #warn(what: string, thrown: unknown): void {
    this.#deps.log.warn(what, { error: toTsdError(thrown).message });
  }
}

export const toldOf = ({ id, name, record: { driver } }: Network): ToldNetwork => ({ id, name, type: driver });
