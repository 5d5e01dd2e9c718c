/**
 * @module
 * What can be done with networks: made, removed, and containers connected to them and disconnected, whether they run or
 * not. The texts are Docker's.
 */
import { TsdError } from "../../errors.ts";
import type { Container, RequestedEndpoint } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { EventIntent } from "../events/event_bus.ts";
import { type NetworkEvents, reportedOf } from "../events/network_events.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import type { ContainerNetworks } from "./container_networks.ts";
import type { HostsFiles } from "./hosts_files.ts";
import type { Lease, Network } from "../model/network.ts";
import { networkKind, requestedNetworks } from "../model/network_mode.ts";
import type { NetworkRequest } from "./network_request.ts";
import type { ResolverFiles } from "./resolver_files.ts";
import { isPredefined, type NetworkTable } from "./network_table.ts";

export interface NetworkServiceDeps {
  readonly table: NetworkTable;
  readonly networks: ContainerNetworks;
  readonly containers: Pick<ContainerTable, "find" | "list" | "known" | "setNetworks">;
  /** By container; shared with whoever starts and removes containers. */
  readonly locks: KeyedLock;
  readonly events: NetworkEvents;
  readonly hosts: HostsFiles;
  readonly resolvers: ResolverFiles;
}

/** See the module's comment. */
export class NetworkService {
  readonly #deps: NetworkServiceDeps;

  constructor(deps: NetworkServiceDeps) {
    this.#deps = deps;
  }

  /** With its bridge, so that nobody else takes its addresses. @throws {TsdError} conflict, permission_denied, runtime_* */
  async create({ name, record }: NetworkRequest): Promise<Network> {
    const { table, networks, events } = this.#deps;
    let intent!: EventIntent;
    const network = table.insert(name, record, (made) => (trace) => {
      intent = events.intend("create", reportedOf(made), {}, trace);
    });
    try {
      await networks.bridges.create(network);
    } catch (thrown) {
      table.remove(network);
      intent.drop();
      throw thrown;
    }
    await networks.rules.settle();
    intent.publish();
    return table.known(network.id);
  }

  /** @throws {TsdError} network_not_found, permission_denied */
  async remove(nameOrId: string): Promise<void> {
    const { table, networks, events, containers } = this.#deps;
    const network = table.find(nameOrId);
    if (isPredefined(network)) {
      throw new TsdError("permission_denied", `${network.name} is a pre-defined network and cannot be removed`);
    }
    const [user] = networks.leasesOf(network);
    if (user !== undefined) {
      const who = `name:${JSON.stringify(containers.known(user.containerId)?.name ?? "")}`;
      const where = `id:${JSON.stringify(user.lease.endpointId.slice(0, 12))}`;
      const why = `network ${network.name} has active endpoints (${who} ${where})`;
      throw new TsdError("permission_denied", `error while removing network: ${why}`);
    }
    let intent!: EventIntent;
    table.remove(network, (trace) => intent = events.intend("destroy", reportedOf(network), {}, trace));
    try {
      await networks.bridges.remove(network);
      await networks.rules.settle();
    } finally {
      intent.publish();
    }
  }

  /** Containers that want to be in a network, whether they run or not. */
  usersOf(network: Network): Container[] {
    const { containers, table } = this.#deps;
    return containers.list().filter(({ record }) =>
      requestedNetworks(record).some(([name]) => table.named(name).id === network.id)
    );
  }

  /** @throws {TsdError} container_not_found, network_not_found, permission_denied, conflict */
  async connect(nameOrId: string, containerName: string, requested: RequestedEndpoint): Promise<void> {
    const { table, containers, locks, networks, hosts, resolvers } = this.#deps;
    const network = table.find(nameOrId);
    const { id } = containers.find(containerName);
    await locks.run(id, async () => {
      const container = containers.find(id);
      refuseOthers(container, network);
      const before = requestedNetworks(container.record);
      if (before.some(([name]) => table.named(name).id === network.id)) {
        const why = `endpoint with name ${container.name} already exists in network ${network.name}`;
        throw new TsdError("permission_denied", why);
      }
      if (container.isRunning) {
        const lease = await networks.members.connect(container, network.id, requested);
        hosts.add(container, addressesOf(lease));
        resolvers.update(container, networks.nameServerOf(container));
      }
      containers.setNetworks(container, { ...Object.fromEntries(before), [network.name]: requested });
      await networks.updateNames();
    });
  }

  /** @throws {TsdError} container_not_found, network_not_found, permission_denied */
  async disconnect(nameOrId: string, containerName: string, { force = false } = {}): Promise<void> {
    const { table, containers, locks, networks, hosts, resolvers } = this.#deps;
    const network = table.find(nameOrId);
    const { id } = containers.find(containerName);
    await locks.run(id, async () => {
      const container = containers.find(id);
      if (network.name === "host") refuseOthers(container, network);
      const before = requestedNetworks(container.record);
      const left = before.filter(([name]) => table.named(name).id !== network.id);
      if (left.length === before.length && !force) {
        throw new TsdError("permission_denied", `container ${id} is not connected to network ${network.name}`);
      }
      const lease = container.isRunning ? await networks.members.disconnect(container, network) : undefined;
      if (lease !== undefined) {
        hosts.remove(container, addressesOf(lease));
        resolvers.update(container, networks.nameServerOf(container));
      }
      containers.setNetworks(container, Object.fromEntries(left));
      await networks.updateNames();
    });
  }
}

const addressesOf = ({ address, six }: Lease): string[] => [address, ...six ? [six.address] : []];

/** Who has the host's network, another's or none can't have one besides. */
function refuseOthers({ record: { hostConfig } }: Container, { name }: Network): void {
  const refuse = (why: string) => new TsdError("permission_denied", why);
  const kind = networkKind(hostConfig);
  if (name === "host" || kind === "host") {
    throw refuse("container cannot be disconnected from host network or connected to host network");
  }
  if (kind === "container") {
    throw refuse(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
  if (name === "none" || kind === "none") {
    throw refuse(
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
  }
}
