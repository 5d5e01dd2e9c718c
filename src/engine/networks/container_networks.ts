/**
 * @module
 * What containers have of networks while they run: a namespace with interfaces and addresses, and published ports. Whoever
 * starts or stops one holds the container's lock.
 */
import { prefixed, toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { formatSubnet } from "../../network/address.ts";
import { endpointBatch } from "../../network/link_batch.ts";
import { wantedPorts } from "../../network/port.ts";
import type { RuledPort, Ruleset } from "../../network/ruleset.ts";
import type { Container } from "../containers/container.ts";
import { randomId } from "../containers/names.ts";
import type { NetworkEvents, ToldNetwork } from "../events/network_events.ts";
import { type Bridge, type Bridges, MTU } from "./bridges.ts";
import type { Firewall } from "./firewall.ts";
import { Leases } from "./leases.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Lease, Network, NetworkFacts, Sandbox, StoredNetworks } from "./network.ts";
import { networkKind } from "./network_mode.ts";
import type { NetworkTable } from "./network_table.ts";
import type { OpenPorts, PortPublisher } from "./port_publisher.ts";

/** What Docker puts before whatever is wrong with a container's network. */
const FAILED = "failed to set up container networking";

export interface ContainerNetworksDeps {
  readonly log: Log;
  /** Name of the engine's rules. */
  readonly ruleTable: string;
  readonly table: NetworkTable;
  readonly events: NetworkEvents;
  readonly records: Pick<StoredNetworks, "begin" | "end" | "endpoints" | "sandboxes">;
  readonly namespaces: Namespaces;
  readonly publisher: PortPublisher;
  /** Made with what this object knows. */
  readonly bridges: (isUsed: (network: Network) => boolean) => Bridges;
  readonly firewall: (present: () => Ruleset) => Firewall;
}

/** See the module's comment. */
export class ContainerNetworks {
  readonly #deps: ContainerNetworksDeps;
  readonly #bridges: Bridges;
  readonly #firewall: Firewall;
  readonly #leases: Leases;
  /** By container. */
  readonly #sandboxes: Map<string, Sandbox>;
  readonly #ports = new Map<string, OpenPorts>();

  constructor(deps: ContainerNetworksDeps) {
    this.#deps = deps;
    this.#leases = new Leases(deps.records.endpoints());
    this.#sandboxes = deps.records.sandboxes();
    this.#bridges = deps.bridges((network) => this.#leases.ofNetwork(network).length > 0);
    this.#firewall = deps.firewall(() => this.#ruleset());
  }

  /** What inspect and ps show. */
  factsOf({ id, record: { hostConfig } }: Pick<Container, "id" | "record">): NetworkFacts {
    const { table } = this.#deps;
    const endpoints = this.#leases.of(id).map(({ networkId, lease }) => ({ network: table.known(networkId), lease }));
    const kind = networkKind(hostConfig);
    const own = endpoints.length > 0 || kind === "container"
      ? endpoints
      : [{ network: table.predefined(kind), lease: undefined }];
    return { sandbox: this.#sandboxes.get(id), endpoints: own };
  }

  /** The address by which containers reach the host, if there is one yet. */
  get hostGateway(): string | undefined {
    return this.#deps.table.predefined("bridge").record.gateway;
  }

  /**
   * Makes what a container needs before its first process: undefined where it has no network of ours.
   * @throws {TsdError} port_in_use, network_exhausted, runtime_missing, runtime_failed
   */
  async start(container: Container): Promise<Sandbox | undefined> {
    if (networkKind(container.record.hostConfig) !== "bridge") return undefined;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => this.stop(container.id));
    try {
      const bridge = await this.#bridges.ensure(this.#deps.table.predefined("bridge"));
      const sandbox = await this.#connect(container, bridge);
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
    const ports = this.#ports.get(id);
    this.#ports.delete(id);
    await ports?.[Symbol.asyncDispose]();
    if (sandbox === undefined || sandbox.ports.length === 0) return;
    this.#sandboxes.set(id, { ...sandbox, ports: [] });
    await this.#updateRules();
  }

  /** Gives back address and ports, so that others can have them. */
  async release(id: string): Promise<void> {
    const { records, events, table } = this.#deps;
    await this.unpublish(id);
    const endpoints = this.#leases.of(id);
    if (!this.#sandboxes.delete(id) && endpoints.length === 0) return;
    this.#leases.drop(id);
    records.end(id);
    for (const { networkId } of endpoints) events.tell("disconnect", toldOf(table.known(networkId)), { container: id });
  }

  /** Takes up what a former engine left: running containers keep what they have, the rest goes. */
  async adopt(running: ReadonlySet<string>): Promise<void> {
    for (const id of [...this.#sandboxes.keys()]) if (!running.has(id)) await this.stop(id);
    await this.#deps.namespaces.sweep((id) => running.has(id));
    for (const [id, { ports }] of this.#sandboxes) {
      const address = this.#addressOf(id);
      if (address !== undefined) this.#ports.set(id, await this.#deps.publisher.again(ports, address));
    }
    await this.#updateRules();
  }

  /** The engine ends: what no running container uses goes; ports go on by the kernel's rules. */
  async leave(): Promise<void> {
    for (const open of this.#ports.values()) await open[Symbol.asyncDispose]();
    this.#ports.clear();
    const present = this.#bridges.present();
    if (present.length === 0) return;
    for (const { network } of present.filter(({ network }) => this.#leases.ofNetwork(network).length === 0)) {
      await this.#bridges.remove(network).catch((thrown) => this.#warn("a bridge stays", thrown));
    }
    if (this.#bridges.present().length === 0) {
      await this.#firewall.remove().catch((thrown) => this.#warn("the rules stay", thrown));
    }
  }

  async #connect(container: Container, bridge: Bridge): Promise<Sandbox> {
    const { records, namespaces, events } = this.#deps;
    const { id } = container;
    using reserved = this.#leases.reserve(bridge);
    const { lease } = reserved;
    const open = await this.#publish(container, lease);
    if (open.ports.length > 0) this.#ports.set(id, open);
    const endpoint = { containerId: id, networkId: bridge.network.id, lease };
    const sandbox = { id: randomId(), path: namespaces.pathOf(id), ports: open.ports };
    records.begin([endpoint], id, sandbox);
    this.#leases.keep(endpoint);
    this.#sandboxes.set(id, sandbox);
    const batch = endpointBatch({
      ...{ hostName: lease.hostLink, bridgeIndex: bridge.index, hostPid: Deno.pid, name: "eth0", mac: lease.mac },
      ...{ mtu: MTU, addresses: [`${lease.address}/${lease.prefix}`], gateway: lease.gateway },
    });
    const steps = await Promise.allSettled([namespaces.make(id, batch), this.#firewall.update()]);
    for (const step of steps) if (step.status === "rejected") throw step.reason;
    events.tell("connect", toldOf(bridge.network), { container: id });
    return sandbox;
  }

  async #publish({ name, record: { config, hostConfig } }: Container, lease: Lease): Promise<OpenPorts> {
    const wanted = wantedPorts({
      bindings: hostConfig.PortBindings,
      exposed: Object.keys(config.ExposedPorts ?? {}),
      publishAll: hostConfig.PublishAllPorts ?? false,
    });
    try {
      return await this.#deps.publisher.publish(wanted, lease.address);
    } catch (thrown) {
      const endpoint = `${name} (${lease.endpointId})`;
      throw prefixed(`driver failed programming external connectivity on endpoint ${endpoint}`, thrown);
    }
  }

  #ruleset(): Ruleset {
    const bridges = this.#bridges.present().map(({ name, subnet }) => ({
      name,
      subnet: formatSubnet(subnet),
      internal: false,
    }));
    const ports = [...this.#sandboxes].flatMap(([id, sandbox]): RuledPort[] => {
      const address = this.#addressOf(id);
      return address === undefined ? [] : sandbox.ports.map((port) => ({ ...port, address }));
    });
    return { table: this.#deps.ruleTable, bridges, ports };
  }

  /** Where a container's ports lead. */
  #addressOf(id: string): string | undefined {
    return this.#leases.of(id)[0]?.lease.address;
  }

  /** Where nothing can be done about a failure: the next change, or the next engine, tries again. */
  async #updateRules(): Promise<void> {
    if (this.#bridges.present().length === 0) return;
    await this.#firewall.update().catch((thrown) => this.#warn("the rules are not those of now", thrown));
  }

  #warn(what: string, thrown: unknown): void {
    this.#deps.log.warn(what, { error: toTsdError(thrown).message });
  }
}

const toldOf = ({ id, name, record: { driver } }: Network): ToldNetwork => ({ id, name, type: driver });
