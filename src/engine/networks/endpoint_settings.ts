/**
 * @module
 * What there is of a container's networks for those who show it.
 */
import type { Container } from "../model/container.ts";
import { hasNames, namesOf, queriedIn } from "./dns_records.ts";
import type { Endpoint, EndpointState, Network, Sandbox } from "../model/network.ts";
import { hasBridge, networkKind, requestedNetworks } from "../model/network_mode.ts";
import type { NetworkTable } from "./network_table.ts";

/** What a container has, or what it wants where it doesn't run. */
export function endpointStateOf(
  container: Pick<Container, "id" | "name" | "record">,
  sandbox: Sandbox | undefined,
  had: readonly Endpoint[],
  table: NetworkTable,
): EndpointState {
  const { hostConfig } = container.record;
  const each = (network: Network, endpoint?: Endpoint) => ({
    network,
    lease: endpoint?.lease,
    requested: queriedIn(container, network),
    names: hasNames(network) ? namesOf(container, queriedIn(container, network)) : undefined,
  });
  if (had.length > 0) {
    return { sandbox, endpoints: had.map((endpoint) => each(table.known(endpoint.networkId), endpoint)) };
  }
  const kind = networkKind(hostConfig);
  const expected = hasBridge(kind) ? requestedNetworks(container.record).map(([name]) => table.named(name)) : [];
  const own = kind === "host" || kind === "none" ? [table.predefined(kind)] : expected;
  return { sandbox, endpoints: own.map((network) => each(network)) };
}
