/**
 * @module
 * `/volumes`: Docker's routes, and tsd's own for what Docker lacks. Pruning is in `prune.ts`.
 */
import { parseVolumeRequest } from "../../engine/volumes/volume_request.ts";
import { empty, json, type Reply, started } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import { VOLUME_FILTER_KEYS, volumeFilter } from "../views/volume_filters.ts";
import { volumeView } from "../views/volume_view.ts";
import type { VolumeListResponse } from "../../api_types/mod.ts";

export function volumeRoutes(
  {
    volumes: { service: volumes, table: volumeTable, copies: volumeCopies, renamer: volumeRenamer },
    settings: { paths },
  }: Engine,
): Route[] {
  return [
    {
      method: "GET",
      path: "/volumes",
      since: "1.24",
      handler: ({ query }) => {
        const passes = volumeFilter(query.filters(VOLUME_FILTER_KEYS), ({ name }) => volumes.isUsed(name));
        const found = volumeTable.list().filter(passes).map((volume) => volumeView(volume, paths));
        return json({ Volumes: found, Warnings: null } satisfies VolumeListResponse);
      },
    },
    {
      method: "POST",
      path: "/volumes/create",
      since: "1.24",
      handler: async (request) => {
        const volume = await volumes.create(parseVolumeRequest(await request.json()));
        return json(volumeView(volume, paths), 201);
      },
    },
    {
      method: "GET",
      path: "/volumes/{name*}",
      since: "1.24",
      handler: ({ params }) => json(volumeView(volumeTable.find(params.name), paths)),
    },
    {
      method: "DELETE",
      path: "/volumes/{name*}",
      since: "1.24",
      handler: async ({ params, query }) => {
        await volumes.remove(params.name, { force: query.flag("force") });
        return empty();
      },
    },
    {
      method: "POST",
      path: "/tsd/volumes/{name}/rename",
      since: "1.25",
      handler: async ({ params, query }) => {
        await volumeRenamer.rename(params.name, query.text("name") ?? "");
        return empty();
      },
    },
    {
      method: "POST",
      path: "/tsd/volumes/{name}/clone",
      since: "1.25",
      handler: async ({ params, query, signal }) =>
        json(volumeView(await volumeCopies.clone(params.name, query.text("name") ?? "", signal), paths), 201),
    },
    {
      method: "GET",
      path: "/tsd/volumes/{name}/archive",
      since: "1.25",
      handler: async ({ params, signal }): Promise<Reply> => {
        const body = await volumeCopies.export(params.name, signal);
        return { kind: "stream", contentType: "application/x-tar", body: await started(body) };
      },
    },
    {
      method: "PUT",
      path: "/tsd/volumes/{name}/archive",
      since: "1.25",
      handler: async (request) => {
        const { params, signal } = request;
        return json(volumeView(await volumeCopies.import(params.name, request.upload(), signal), paths));
      },
    },
  ];
}
