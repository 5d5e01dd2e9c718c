/**
 * @module
 * The ports of running containers: which ones each has, and where they lead while its addresses change.
 */
import { prefixed } from "../../errors.ts";
import { type PublishedPort, type RequestedPort, requestedPorts } from "../../network/port.ts";
import type { Container } from "../model/container.ts";
import type { Endpoint, Network } from "../model/network.ts";
import type { NetworkTable } from "./network_table.ts";
import type { OpenPorts } from "./open_ports.ts";
import type { PortUpdateTransaction } from "./port_update.ts";
import type { PortMapper, TargetAddress } from "./port_mapper.ts";
import { gatewayEndpoint } from "./gateway_endpoint.ts";

export interface ContainerPortsDeps {
  readonly publisher: PortMapper;
  readonly table: Pick<NetworkTable, "known">;
  /** Where a network's ports are published that name no address; empty for everywhere. */
  readonly bindAddress: (network: Network) => string;
  /** A running container's places in networks. */
  readonly endpointsOf: (containerId: string) => readonly Endpoint[];
}

/** What changes at once. */
export interface PortChange {
  readonly removed: readonly PublishedPort[];
  readonly added: readonly RequestedPort[];
}

/** See the module's comment. */
export class ContainerPorts {
  readonly #deps: ContainerPortsDeps;
  readonly #open = new Map<string, OpenPorts>();

  constructor(deps: ContainerPortsDeps) {
    this.#deps = deps;
  }

  /** Those of a container that is about to run, with the endpoints that it will have. @throws {TsdError} port_in_use */
  async publish({ id, name, record }: Container, endpoints: readonly Endpoint[]): Promise<readonly PublishedPort[]> {
    const { config, hostConfig } = record;
    const requested = requestedPorts({
      bindings: hostConfig.PortBindings,
      exposed: Object.keys(config.ExposedPorts ?? {}),
      publishAll: hostConfig.PublishAllPorts ?? false,
    });
    const open = await this.#take(
      { name },
      endpoints,
      requested,
      (bound, address) => this.#deps.publisher.publish(bound, address, this.#target(id)),
    );
    if (open === undefined) return [];
    const { ports } = open;
    this.#open.set(id, open);
    return ports;
  }

  /** Serves what a former engine served. */
  async again(id: string, ports: readonly PublishedPort[]): Promise<void> {
    if (ports.length > 0) this.#open.set(id, await this.#deps.publisher.again(ports, this.#target(id)));
  }

  /** Takes what is added beside what is removed, all of it or nothing. @throws {TsdError} port_in_use */
  async exchange(container: Container, { removed, added }: PortChange): Promise<PortUpdateTransaction> {
    const { id } = container;
    const { publisher, endpointsOf } = this.#deps;
    const open = this.#open.get(id) ?? publisher.none();
    this.#open.set(id, open);
    const take = (bound: readonly RequestedPort[], address: string) =>
      publisher.exchange(open, { removed, added: bound }, address, this.#target(id));
    return await this.#take(container, endpointsOf(id), added, take) ?? await take([], "");
  }

  /** Others can have them. */
  async close(id: string): Promise<void> {
    const open = this.#open.get(id);
    this.#open.delete(id);
    await open?.[Symbol.asyncDispose]();
  }

  /** The kernel's rules go on without this engine. */
  async leave(): Promise<void> {
    await using closing = new AsyncDisposableStack();
    for (const id of this.#open.keys()) closing.defer(() => this.close(id));
  }

  /** Undefined: there is nothing to take. */
  async #take<T>(
    { name }: Pick<Container, "name">,
    endpoints: readonly Endpoint[],
    requested: readonly RequestedPort[],
    take: (bound: readonly RequestedPort[], address: string) => Promise<T>,
  ): Promise<T | undefined> {
    const out = gatewayEndpoint(endpoints, this.#deps.table);
    // Without a way out there is none in either.
    if (out === undefined || requested.length === 0) return undefined;
    const hostIp = this.#deps.bindAddress(this.#deps.table.known(out.networkId));
    const bound = requested.map((port) => port.hostIp === "" ? { ...port, hostIp } : port);
    try {
      return await take(bound, out.lease.address);
    } catch (thrown) {
      const endpoint = `${name} (${out.lease.endpointId})`;
      throw prefixed(`driver failed programming external connectivity on endpoint ${endpoint}`, thrown);
    }
  }

  /** Where a container's ports lead; nowhere while it is in no network with a way out. */
  #target(id: string): TargetAddress {
    return () => gatewayEndpoint(this.#deps.endpointsOf(id), this.#deps.table)?.lease.address;
  }
}
