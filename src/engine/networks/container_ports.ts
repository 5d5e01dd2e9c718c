/**
 * @module
 * The ports of running containers: which ones each has, and where they lead while its addresses change.
 */
import { prefixed } from "../../errors.ts";
import { type PublishedPort, type WantedPort, wantedPorts } from "../../network/port.ts";
import type { TargetAddress } from "../../network/port_sockets.ts";
import type { Container } from "../containers/container.ts";
import type { Endpoint, Network } from "./network.ts";
import type { NetworkTable } from "./network_table.ts";
import { type OpenPorts, portName } from "./open_ports.ts";
import type { PortPublisher } from "./port_publisher.ts";
import { wayOut } from "./way_out.ts";

export interface ContainerPortsDeps {
  readonly publisher: PortPublisher;
  readonly table: Pick<NetworkTable, "known">;
  /** Where a network's ports are published that name no address; empty for everywhere. */
  readonly bindAddress: (network: Network) => string;
  /** A running container's places in networks. */
  readonly endpointsOf: (containerId: string) => readonly Endpoint[];
}

/** What changes at once. */
export interface PortChange {
  readonly removed: readonly PublishedPort[];
  readonly added: readonly WantedPort[];
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
    const wanted = wantedPorts({
      bindings: hostConfig.PortBindings,
      exposed: Object.keys(config.ExposedPorts ?? {}),
      publishAll: hostConfig.PublishAllPorts ?? false,
    });
    return await this.#take({ id, name }, endpoints, wanted);
  }

  /** Serves what a former engine served. */
  async again(id: string, ports: readonly PublishedPort[]): Promise<void> {
    if (ports.length > 0) this.#keep(id, await this.#deps.publisher.again(ports, this.#target(id)));
  }

  /** All of it or nothing; gives what there is then. @throws {TsdError} port_in_use */
  async change(container: Container, { removed, added }: PortChange): Promise<readonly PublishedPort[]> {
    const { id } = container;
    await this.#open.get(id)?.close(removed);
    try {
      await this.#take(container, this.#deps.endpointsOf(id), added);
    } catch (thrown) {
      await this.again(id, removed);
      throw thrown;
    }
    return this.#open.get(id)?.ports ?? [];
  }

  /** Others can have them. */
  async close(id: string): Promise<void> {
    const open = this.#open.get(id);
    this.#open.delete(id);
    await open?.[Symbol.asyncDispose]();
  }

  /** The kernel's rules go on without this engine. */
  async leave(): Promise<void> {
    for (const id of [...this.#open.keys()]) await this.close(id);
  }

  async #take(
    { id, name }: Pick<Container, "id" | "name">,
    endpoints: readonly Endpoint[],
    wanted: readonly WantedPort[],
  ): Promise<readonly PublishedPort[]> {
    const out = wayOut(endpoints, this.#deps.table);
    // Without a way out there is none in either.
    if (out === undefined || wanted.length === 0) return [];
    const hostIp = this.#deps.bindAddress(this.#deps.table.known(out.networkId));
    const bound = wanted.map((port) => port.hostIp === "" ? { ...port, hostIp } : port);
    try {
      const open = await this.#deps.publisher.publish(bound, out.lease.address, this.#target(id));
      const { ports } = open;
      this.#keep(id, open);
      return ports;
    } catch (thrown) {
      const endpoint = `${name} (${out.lease.endpointId})`;
      throw prefixed(`driver failed programming external connectivity on endpoint ${endpoint}`, thrown);
    }
  }

  #keep(id: string, more: OpenPorts): void {
    const open = this.#open.get(id) ?? this.#deps.publisher.none();
    open.add(more);
    this.#open.set(id, open);
  }

  /** Where a container's ports lead; nowhere while it is in no network with a way out. */
  #target(id: string): TargetAddress {
    return () => wayOut(this.#deps.endpointsOf(id), this.#deps.table)?.lease.address;
  }
}

/** What makes of some ports what there was before. */
export function reversed(before: readonly PublishedPort[], after: readonly PublishedPort[]): PortChange {
  const names = (ports: readonly PublishedPort[]) => new Set(ports.map(portName));
  const [had, has] = [names(before), names(after)];
  return {
    removed: after.filter((port) => !had.has(portName(port))),
    added: before.filter((port) => !has.has(portName(port))).map(({ hostPort, ...port }) => ({
      ...port,
      hostPorts: [hostPort, hostPort],
    })),
  };
}
