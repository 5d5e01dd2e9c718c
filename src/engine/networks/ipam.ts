/**
 * @module
 * Which container has which address: in memory, as the database has it, and addresses that a start is about to record.
 */
import { TsdError } from "../../errors.ts";
import {
  type Address,
  contains,
  formatAddress,
  parseAddress,
  parseSubnet,
  type Subnet,
} from "../../network/address.ts";
import { freeAddress, macOf } from "../../network/pools.ts";
import type { RequestedEndpoint } from "../model/container.ts";
import { randomId } from "../model/names.ts";
import type { Bridge } from "./bridge_driver.ts";
import type { AddressPool, Endpoint, Lease, Network } from "../model/network.ts";

/** Interfaces of the host's side; with 8 digits of the endpoint's id they stay below the kernel's 15 characters. */
const LINK_PREFIX = "veth";

/** See the module's comment. */
export class Ipam {
  readonly #byContainer = new Map<string, readonly Endpoint[]>();
  /** By network and version. */
  readonly #reserved = new Map<string, Set<bigint>>();
  readonly #last = new Map<string, bigint>();

  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) this.keep(endpoint);
  }

  of(containerId: string): readonly Endpoint[] {
    return this.#byContainer.get(containerId) ?? [];
  }

  /** By container. */
  all(): (readonly Endpoint[])[] {
    return [...this.#byContainer.values()];
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
  reserve(bridge: Bridge, link: string, requested: RequestedLease = {}): Disposable & { readonly lease: Lease } {
    using held = new DisposableStack();
    const { network: { record }, subnet, gateway, six } = bridge;
    const four = held.use(this.#take(bridge, { ...record, subnet, gateway }, requested.address)).address;
    const withIpv6 = six !== undefined && !requested.withoutIpv6;
    if (requested.six !== undefined && six === undefined) throw outside(requested.six);
    const other = withIpv6 ? held.use(this.#take(bridge, { ...record.six, ...six }, requested.six)).address : undefined;
    const endpointId = randomId();
    const lease: Lease = {
      ...{ endpointId, address: formatAddress(four), prefix: subnet.prefix, gateway, link },
      mac: requested.mac || macOf(four),
      ...requested.priority !== undefined && { priority: requested.priority },
      ...withIpv6 && other !== undefined && {
        six: { address: formatAddress(other), prefix: six.subnet.prefix, gateway: six.gateway },
      },
      hostLink: `${LINK_PREFIX}${endpointId.slice(0, 8)}`,
    };
    const kept = held.move();
    return { lease, [Symbol.dispose]: () => kept.dispose() };
  }

  /** An address of one version. */
  #take(
    { network }: Bridge,
    pool: FilledPool,
    requested: string | undefined,
  ): Disposable & { readonly address: Address } {
    const { subnet, gateway, range, auxiliary = {} } = pool;
    const key = `${network.id} ${subnet.family}`;
    const reserved = this.#reserved.get(key) ?? new Set<bigint>();
    this.#reserved.set(key, reserved);
    const leased = this.ofNetwork(network).flatMap(({ lease }) => [lease.address, lease.six?.address ?? []].flat());
    const known = [gateway, ...Object.values(auxiliary), ...leased].map((text) => parseAddress(text)!);
    const own = known.filter(({ family }) => family === subnet.family).map(({ value }) => value);
    const taken = new Set([...own, ...reserved]);
    const after = this.#last.get(key);
    const address = requested === undefined
      ? freeAddress(subnet, { taken, range: range === undefined ? undefined : parseSubnet(range), after })
      : requestedAddress(subnet, requested, taken);
    reserved.add(address.value);
    if (requested === undefined) this.#last.set(key, address.value);
    return { address, [Symbol.dispose]: () => void reserved.delete(address.value) };
  }
}

/** A pool whose subnet is known. */
interface FilledPool extends Omit<AddressPool, "subnet" | "gateway"> {
  readonly subnet: Subnet;
  readonly gateway: string;
}

/** What is asked of a place, as far as it has to do with addresses. */
export interface RequestedLease extends RequestedEndpoint {
  /** The container wants no address of version 6, whatever the network has. */
  readonly withoutIpv6?: boolean;
}

/** @throws {TsdError} invalid_argument, conflict, in Docker's words */
function requestedAddress(subnet: Subnet, text: string, taken: ReadonlySet<bigint>): Address {
  const address = parseAddress(text);
  if (address === undefined || !contains(subnet, address)) {
    throw outside(text);
  }
  if (taken.has(address.value)) throw new TsdError("conflict", "Address already in use");
  return address;
}

const outside = (address: string) =>
  new TsdError("invalid_argument", `no configured subnet contains IP address ${address}`);
