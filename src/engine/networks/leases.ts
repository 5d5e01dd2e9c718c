/**
 * @module
 * Which container has which address: in memory, as the database has it, and addresses that a start is about to record.
 */
import { formatAddress, parseAddress } from "../../network/address.ts";
import { freeAddress, macOf } from "../../network/pools.ts";
import { randomId } from "../containers/names.ts";
import type { Bridge } from "./bridges.ts";
import type { Endpoint, Lease, Network } from "./network.ts";

/** Interfaces of the host's side; with 8 digits of the endpoint's id they stay below the kernel's 15 characters. */
const LINK_PREFIX = "veth";

/** See the module's comment. */
export class Leases {
  readonly #byContainer = new Map<string, readonly Endpoint[]>();
  /** By network. */
  readonly #reserved = new Map<string, Set<bigint>>();
  readonly #last = new Map<string, bigint>();

  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) this.keep(endpoint);
  }

  of(containerId: string): readonly Endpoint[] {
    return this.#byContainer.get(containerId) ?? [];
  }

  ofNetwork({ id }: Pick<Network, "id">): Lease[] {
    return [...this.#byContainer.values()].flat().filter(({ networkId }) => networkId === id).map(({ lease }) => lease);
  }

  keep(endpoint: Endpoint): void {
    this.#byContainer.set(endpoint.containerId, [...this.of(endpoint.containerId), endpoint]);
  }

  /** All that a container has. */
  drop(containerId: string): void {
    this.#byContainer.delete(containerId);
  }

  /** A place in a network that nobody else gets until this is disposed of. @throws {TsdError} network_exhausted */
  reserve({ network, subnet, gateway }: Bridge): Disposable & { readonly lease: Lease } {
    const reserved = this.#reserved.get(network.id) ?? new Set<bigint>();
    this.#reserved.set(network.id, reserved);
    const known = [gateway, ...this.ofNetwork(network).map(({ address }) => address)];
    const taken = new Set([...known.map((text) => parseAddress(text)!.value), ...reserved]);
    const address = freeAddress(subnet, { taken, after: this.#last.get(network.id) });
    reserved.add(address.value);
    this.#last.set(network.id, address.value);
    const endpointId = randomId();
    const lease: Lease = {
      ...{ endpointId, address: formatAddress(address), prefix: subnet.prefix, gateway, mac: macOf(address) },
      hostLink: `${LINK_PREFIX}${endpointId.slice(0, 8)}`,
    };
    return { lease, [Symbol.dispose]: () => void reserved.delete(address.value) };
  }
}
