/**
 * @module
 * Places of containers in networks: addresses that nobody else has, and what makes interfaces of them.
 */
import { endpointBatch, routeBatch } from "../../network/ip_batch.ts";
import type { AskedEndpoint, Container } from "../containers/container.ts";
import type { Bridges } from "./bridge_driver.ts";
import type { Leases } from "./ipam.ts";
import type { Endpoint, Network } from "./network.ts";
import { refusesSix } from "./network_mode.ts";
import type { NetworkTable } from "./network_table.ts";
import { wayOut, wayOutSix } from "./gateway_endpoint.ts";

/** A container's place in a network that is about to be made. */
export interface Place {
  readonly endpoint: Endpoint;
  readonly network: Network;
  readonly batch: string;
}

export interface WantedPlace {
  /** The network's name or id. */
  readonly name: string;
  readonly asked: AskedEndpoint;
  /** Name of the interface in the container. */
  readonly link: string;
}

/** Names of interfaces, as many as a container can have of ours. */
export const LINKS: readonly string[] = Array.from({ length: 256 }, (_, at) => `eth${at}`);

/** Nobody else gets its addresses until `held` is disposed of. @throws {TsdError} as `Bridges.ensure`, `Leases.reserve` */
export async function takePlace(
  { id, record }: Pick<Container, "id" | "record">,
  { name, asked, link }: WantedPlace,
  held: DisposableStack,
  { bridges, leases, table }: { readonly bridges: Bridges; readonly leases: Leases; readonly table: NetworkTable },
): Promise<Place> {
  const bridge = await bridges.ensure(table.find(name));
  const wanted = { ...asked, withoutSix: refusesSix(record.hostConfig) };
  const { lease } = held.use(leases.reserve(bridge, link, wanted));
  const { hostLink: hostName, mac, six } = lease;
  const batch = endpointBatch({
    ...{ hostName, bridgeIndex: bridge.index, hostPid: Deno.pid, name: link, mac, mtu: bridge.options.mtu },
    addresses: [lease, ...six ? [six] : []].map(({ address, prefix }) => `${address}/${prefix}`),
  });
  return { endpoint: { containerId: id, networkId: bridge.network.id, lease }, network: bridge.network, batch };
}

/** Leads everything that no other route is for out of the container, in each version where there is a way. */
export function routesOf(endpoints: readonly Endpoint[], table: Pick<NetworkTable, "known">): string {
  const four = wayOut(endpoints, table)?.lease;
  const six = wayOutSix(endpoints, table)?.lease;
  return [
    four === undefined ? "" : routeBatch(four.gateway, four.link),
    six?.six === undefined ? "" : routeBatch(six.six.gateway, six.link),
  ].join("");
}
