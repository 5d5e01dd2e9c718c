/**
 * @module
 * Names of containers in networks: which there are, and whoever answers for them is told.
 */
import { canonicalAddress, parseAddress } from "../../network/address.ts";
import type { NamedContainer, NameTable } from "../../network/dns/name_table.ts";
import type { Container, RequestedEndpoint } from "../model/container.ts";
import type { Endpoint, Network } from "../model/network.ts";
import { requestedNetworks } from "../model/network_mode.ts";
import type { NetworkTable } from "./network_table.ts";
import { gatewayEndpoint } from "./gateway_endpoint.ts";

/** Whether containers of a network know each other by name: in all that somebody made. */
export const hasNames = ({ name, record: { driver } }: Pick<Network, "name" | "record">): boolean =>
  driver === "bridge" && name !== "bridge";

/** By which others of a network know a container, its own name first. */
export function namesOf(
  { id, name, record: { config } }: Pick<Container, "id" | "name" | "record">,
  { aliases = [] }: RequestedEndpoint,
): string[] {
  return [...new Set([name, ...aliases, id.slice(0, 12), ...config.Hostname ? [config.Hostname] : []])];
}

/** What a container asked for in a network, which it may have called by name or id. */
export function queriedIn({ record }: Pick<Container, "record">, { name, id }: Network): RequestedEndpoint {
  const requested = new Map(requestedNetworks(record));
  return requested.get(name) ?? requested.get(id) ?? {};
}

export interface DnsRecords {
  readonly table: Pick<NetworkTable, "known">;
  /** All that containers have of networks, by container. */
  readonly endpoints: readonly (readonly Endpoint[])[];
  readonly container: (id: string) => Container | undefined;
}

/** See the module's comment. */
export function nameTable({ table, endpoints, container }: DnsRecords): NameTable {
  const networks = new Map<string, NameTable["networks"][number]>();
  const containers: NamedContainer[] = [];
  for (const own of endpoints) {
    const named = searched(own, table).filter(({ networkId }) => hasNames(table.known(networkId)));
    const known = container(named[0]?.containerId ?? "");
    if (known === undefined) continue;
    for (const { networkId, lease } of named) {
      networks.set(networkId, {
        id: networkId,
        name: table.known(networkId).name,
        gateways: [lease.gateway, ...lease.six ? [lease.six.gateway] : []],
      });
    }
    const { Dns, DnsOptions } = known.record.hostConfig;
    const servers = (Dns ?? []).filter(canBeQueried).map((server) => canonicalAddress(server)!);
    containers.push({
      endpoints: named.map(({ networkId, lease }) => ({
        network: networkId,
        names: namesOf(known, queriedIn(known, table.known(networkId))),
        addresses: [lease.address, ...lease.six ? [lease.six.address] : []],
      })),
      ...Dns?.length && { servers },
      forwards: gatewayEndpoint(own, table) !== undefined,
      searchesFirst: (DnsOptions ?? []).some((option) => /^ndots:[1-9]/.test(option)),
    });
  }
  return { networks: [...networks.values()], containers };
}

/** The network of the way out first, then by name. */
export function searched(endpoints: readonly Endpoint[], table: Pick<NetworkTable, "known">): Endpoint[] {
  const out = gatewayEndpoint(endpoints, table);
  const nameOf = ({ networkId }: Endpoint) => table.known(networkId).name;
  return endpoints.toSorted((a, b) => Number(b === out) - Number(a === out) || (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Where a container asks for names; undefined where it has no network with names. */
export function nameServerOf(endpoints: readonly Endpoint[], table: Pick<NetworkTable, "known">): string | undefined {
  return searched(endpoints, table).find(({ networkId }) => hasNames(table.known(networkId)))?.lease.gateway;
}

/** Whether a server can be asked on a container's behalf: a loopback address is the container's own. */
export function canBeQueried(server: string): boolean {
  const address = parseAddress(server);
  if (address === undefined) return false;
  return address.family === 4 ? address.value >> 24n !== 127n : address.value !== 1n;
}
