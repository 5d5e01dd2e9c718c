/**
 * @module
 * Places of containers in networks: addresses that nobody else has, and what makes interfaces of them.
 */
import { endpointBatch, routeBatch } from "../../network/ip_batch.ts";
import type { Container, RequestedEndpoint } from "../model/container.ts";
import type { Bridge, BridgeDriver } from "./bridge_driver.ts";
import type { Ipam } from "./ipam.ts";
import type { Endpoint, Lease, Network } from "../model/network.ts";
import { interfaceIndex } from "../../sys/mod.ts";
import { refusesIpv6 } from "../model/network_mode.ts";
import type { NetworkTable } from "./network_table.ts";
import { gatewayEndpoint, gatewayEndpointV6 } from "./gateway_endpoint.ts";

/** A container's place in a network that is about to be made. */
export interface EndpointSetup {
  readonly endpoint: Endpoint;
  readonly network: Network;
  readonly batch: string;
}

export interface RequestedEndpointSetup {
  /** The network's name or id. */
  readonly name: string;
  readonly requested: RequestedEndpoint;
  /** Name of the interface in the container. */
  readonly link: string;
}

/** Names of interfaces, as many as a container can have of ours. */
export const LINKS: readonly string[] = Array.from({ length: 256 }, (_, at) => `eth${at}`);

/** Nobody else gets its addresses until `held` is disposed of. @throws {TsdError} as `Bridges.ensure`, `Ipam.reserve` */
export async function setUpEndpoint(
  { id, record }: Pick<Container, "id" | "record">,
  { name, requested, link }: RequestedEndpointSetup,
  held: DisposableStack,
  { bridges, leases, table }: { readonly bridges: BridgeDriver; readonly leases: Ipam; readonly table: NetworkTable },
): Promise<EndpointSetup> {
  const bridge = await bridges.ensure(table.find(name));
  const expected = { ...requested, withoutIpv6: refusesIpv6(record.hostConfig) };
  const { lease } = held.use(leases.reserve(bridge, link, expected));
  const endpoint = { containerId: id, networkId: bridge.network.id, lease };
  return { endpoint, network: bridge.network, batch: interfacesOf(lease, bridge) };
}

/** Makes both interfaces of an endpoint; to be run in the container's namespace. */
export function interfacesOf({ hostLink: hostName, link: name, mac, six, ...four }: Lease, bridge: Bridge): string {
  return endpointBatch({
    ...{ hostName, bridgeIndex: bridge.index, hostPid: Deno.pid, name, mac, mtu: bridge.options.mtu },
    addresses: [four, ...six ? [six] : []].map(({ address, prefix }) => `${address}/${prefix}`),
  });
}

/** Whether the interfaces of an endpoint are there: another program may have removed them. */
export const hasInterfaces = ({ lease }: Endpoint): boolean => interfaceIndex(lease.hostLink) !== undefined;

/** Leads everything that no other route is for out of the container, in each version where there is a way. */
export function routesOf(endpoints: readonly Endpoint[], table: Pick<NetworkTable, "known">): string {
  const four = gatewayEndpoint(endpoints, table)?.lease;
  const six = gatewayEndpointV6(endpoints, table)?.lease;
  return [
    four === undefined ? "" : routeBatch(four.gateway, four.link),
    six?.six === undefined ? "" : routeBatch(six.six.gateway, six.link),
  ].join("");
}
