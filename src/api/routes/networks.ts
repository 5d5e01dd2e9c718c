/**
 * @module
 * `/networks`: Docker's routes, and tsd's `POST /tsd/networks/reload`. Pruning is in `prune.ts`.
 */
import { parseConnectRequest, parseDisconnectRequest } from "../../engine/model/endpoint_request.ts";
import type { Network } from "../../engine/model/network.ts";
import { parseNetworkRequest } from "../../engine/networks/network_request.ts";
import { empty, json } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import { NETWORK_FILTER_KEYS, networkFilter } from "../views/network_filters.ts";
import { networkView } from "../views/network_view.ts";
import type { NetworkCreateResponse, NetworkReloadResponse } from "../../api_types/mod.ts";

export function networkRoutes(
  { networks: { containers: networks, table: networkTable, service: networkService }, containers: { table } }: Engine,
): Route[] {
  const view = (network: Network) =>
    networkView(
      network,
      networks.leasesOf(network).map((endpoint) => ({
        endpoint,
        containerName: table.known(endpoint.containerId)?.name ?? "",
      })),
    );
  return [
    {
      method: "GET",
      path: "/networks",
      since: "1.24",
      handler: ({ query }) => {
        const isUsed = (network: Network) => networkService.usersOf(network).length > 0;
        const passes = networkFilter(query.filters(NETWORK_FILTER_KEYS), isUsed);
        // Only inspecting a network lists its containers.
        return json(networkTable.list().filter(passes).map((network) => networkView(network, [])));
      },
    },
    {
      method: "POST",
      path: "/networks/create",
      since: "1.24",
      handler: async (request) => {
        const { id } = await networkService.create(parseNetworkRequest(await request.json()));
        return json({ Id: id, Warning: "" } satisfies NetworkCreateResponse, 201);
      },
    },
    {
      method: "GET",
      path: "/networks/{id*}",
      since: "1.24",
      handler: ({ params }) => json(view(networkTable.find(params.id))),
    },
    {
      method: "POST",
      path: "/networks/{id}/connect",
      since: "1.24",
      handler: async (request) => {
        const { container, requested } = parseConnectRequest(await request.json());
        await networkService.connect(request.params.id, container, requested);
        return empty(200);
      },
    },
    {
      method: "POST",
      path: "/networks/{id}/disconnect",
      since: "1.24",
      handler: async (request) => {
        const { container, force } = parseDisconnectRequest(await request.json());
        await networkService.disconnect(request.params.id, container, { force });
        return empty(200);
      },
    },
    {
      method: "POST",
      path: "/tsd/networks/reload",
      since: "1.24",
      handler: async () => {
        const { bridges, ports } = await networks.lifetime.reload();
        return json({ Bridges: bridges, Ports: ports } satisfies NetworkReloadResponse);
      },
    },
    {
      method: "DELETE",
      path: "/networks/{id*}",
      since: "1.24",
      handler: async ({ params }) => {
        await networkService.remove(params.id);
        return empty();
      },
    },
  ];
}
