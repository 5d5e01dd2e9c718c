/**
 * @module
 * Routes for single operations on containers: restart, pause, unpause, rename, update, top.
 */
import { parseUpdateRequest } from "../../engine/model/update_request.ts";
import { empty, json } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import { atLeast } from "../http/version.ts";
import type { Engine } from "../../engine/mod.ts";
import { withErrorPrefix } from "./with_error_prefix.ts";

export function containerStepRoutes(
  {
    containers: { service: containers, table, renamer, updater },
    tasks: { freezer, top: processList },
    networks: { containers: networks },
  }: Engine,
): Route[] {
  return [
    {
      method: "POST",
      path: "/containers/{id*}/restart",
      since: "1.24",
      handler: async ({ params, query, version }) => {
        const signal = atLeast(version, "1.42") ? query.text("signal") : undefined;
        const options = { seconds: query.integer("t"), signal };
        const { id } = table.find(params.id);
        await withErrorPrefix(`Cannot restart container ${params.id}`, () => containers.restart(id, options));
        return empty();
      },
    },
    {
      method: "POST",
      path: "/containers/{id*}/pause",
      since: "1.24",
      handler: async ({ params }) => {
        await freezer.pause(params.id);
        return empty();
      },
    },
    {
      method: "POST",
      path: "/containers/{id*}/unpause",
      since: "1.24",
      handler: async ({ params }) => {
        await freezer.unpause(params.id);
        return empty();
      },
    },
    {
      method: "POST",
      path: "/containers/{id*}/rename",
      since: "1.24",
      handler: async ({ params, query }) => {
        renamer.rename(params.id, query.text("name") ?? "");
        await networks.updateNames();
        return empty();
      },
    },
    {
      method: "POST",
      path: "/containers/{id*}/update",
      since: "1.24",
      handler: async (request) => {
        const update = parseUpdateRequest(await request.json());
        return json(await updater.update(request.params.id, update));
      },
    },
    {
      method: "GET",
      path: "/containers/{id*}/top",
      since: "1.24",
      handler: async ({ params, query }) => json(await processList.of(params.id, query.text("ps_args"))),
    },
  ];
}
