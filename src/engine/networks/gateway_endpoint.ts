import type { Endpoint } from "../model/network.ts";
import type { NetworkTable } from "./network_table.ts";

/** The network by which a container gets out, as Docker chooses it: of the highest priority, then the first by name. */
export function gatewayEndpoint(
  endpoints: readonly Endpoint[],
  table: Pick<NetworkTable, "known">,
): Endpoint | undefined {
  return first(endpoints, table);
}

/** The same for version 6. */
export function gatewayEndpointV6(
  endpoints: readonly Endpoint[],
  table: Pick<NetworkTable, "known">,
): Endpoint | undefined {
  return first(endpoints.filter(({ lease }) => lease.six !== undefined), table);
}

function first(endpoints: readonly Endpoint[], table: Pick<NetworkTable, "known">): Endpoint | undefined {
  const open = endpoints.filter(({ networkId }) => table.known(networkId).record.internal !== true);
  const nameOf = ({ networkId }: Endpoint) => table.known(networkId).name;
  const [found] = open.toSorted((a, b) =>
    (b.lease.priority ?? 0) - (a.lease.priority ?? 0) || (nameOf(a) < nameOf(b) ? -1 : 1)
  );
  return found;
}
