/**
 * @module
 * What there is of a container's networks for those who show it.
 */
import type { Container } from "../containers/container.ts";
import { askedIn, hasNames, namesOf } from "./dns_records.ts";
import type { Endpoint, Network, NetworkFacts, Sandbox } from "./network.ts";
import { askedNetworks, hasBridge, networkKind } from "./network_mode.ts";
import type { NetworkTable } from "./network_table.ts";

/** What a container has, or what it wants where it doesn't run. */
export function networkFacts(
  container: Pick<Container, "id" | "name" | "record">,
  sandbox: Sandbox | undefined,
  had: readonly Endpoint[],
  table: NetworkTable,
): NetworkFacts {
  const { hostConfig } = container.record;
  const fact = (network: Network, endpoint?: Endpoint) => ({
    network,
    lease: endpoint?.lease,
    asked: askedIn(container, network),
    names: hasNames(network) ? namesOf(container, askedIn(container, network)) : undefined,
  });
  if (had.length > 0) {
    return { sandbox, endpoints: had.map((endpoint) => fact(table.known(endpoint.networkId), endpoint)) };
  }
  const kind = networkKind(hostConfig);
  const wanted = hasBridge(kind) ? askedNetworks(container.record).map(([name]) => table.named(name)) : [];
  const own = kind === "host" || kind === "none" ? [table.predefined(kind)] : wanted;
  return { sandbox, endpoints: own.map((network) => fact(network)) };
}
