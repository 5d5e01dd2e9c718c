/**
 * @module
 * Which container has which address: in memory, as the database has it, and addresses that a start is about to record.
 */
import { TsdError } from "../../errors.ts";
import { type Address, contains, formatAddress, parseAddress, parseSubnet } from "../../network/address.ts";
import { freeAddress, macOf } from "../../network/pools.ts";
import type { AskedEndpoint } from "../containers/container.ts";
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

  ofNetwork({ id }: Pick<Network, "id">): Endpoint[] {
    return [...this.#byContainer.values()].flat().filter(({ networkId }) => networkId === id);
  }

  keep(endpoint: Endpoint): void {
    this.#byContainer.set(endpoint.containerId, [...this.of(endpoint.containerId), endpoint]);
  }

  /** All that a container has. */
  drop(containerId: string): void {
    this.#byContainer.delete(containerId);
  }

  /** Ends a container's place in one network. */
  dropOne(containerId: string, networkId: string): void {
    const left = this.of(containerId).filter((endpoint) => endpoint.networkId !== networkId);
    if (left.length > 0) this.#byContainer.set(containerId, left);
    else this.#byContainer.delete(containerId);
  }

  /**
   * A place in a network that nobody else gets until this is disposed of.
   * @param link the interface's name in the container
   * @throws {TsdError} network_exhausted, invalid_argument, conflict
   */
  reserve(bridge: Bridge, link: string, asked: AskedEndpoint = {}): Disposable & { readonly lease: Lease } {
    const { network, subnet, gateway } = bridge;
    const reserved = this.#reserved.get(network.id) ?? new Set<bigint>();
    this.#reserved.set(network.id, reserved);
    const { range, auxiliary = {} } = network.record;
    const leased = this.ofNetwork(network).map(({ lease: { address } }) => address);
    const known = [gateway, ...Object.values(auxiliary), ...leased];
    const taken = new Set([...known.map((text) => parseAddress(text)!.value), ...reserved]);
    const address = asked.address === undefined
      ? freeAddress(subnet, {
        taken,
        range: range === undefined ? undefined : parseSubnet(range),
        after: this.#last.get(network.id),
      })
      : askedAddress(bridge, asked.address, taken);
    reserved.add(address.value);
    if (asked.address === undefined) this.#last.set(network.id, address.value);
    const endpointId = randomId();
    const lease: Lease = {
      ...{ endpointId, address: formatAddress(address), prefix: subnet.prefix, gateway, link },
      mac: asked.mac || macOf(address),
      ...asked.priority !== undefined && { priority: asked.priority },
      hostLink: `${LINK_PREFIX}${endpointId.slice(0, 8)}`,
    };
    return { lease, [Symbol.dispose]: () => void reserved.delete(address.value) };
  }
}

/** @throws {TsdError} invalid_argument, conflict, in Docker's words */
function askedAddress({ subnet }: Bridge, text: string, taken: ReadonlySet<bigint>): Address {
  const address = parseAddress(text);
  if (address === undefined || !contains(subnet, address)) {
    throw new TsdError("invalid_argument", `no configured subnet contains IP address ${text}`);
  }
  if (taken.has(address.value)) throw new TsdError("conflict", "Address already in use");
  return address;
}
