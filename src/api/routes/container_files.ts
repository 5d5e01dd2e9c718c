/**
 * @module
 * Routes for the files of containers: changes, archives in both directions, export of the root file system.
 */
import { TsdError } from "../../errors.ts";
import { empty, jsonArray, type Reply, started } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import { changeView } from "../views/change_view.ts";
import { pathStatHeader } from "../views/path_stat_view.ts";

const STAT_HEADER = "X-Docker-Container-Path-Stat";

export function containerFileRoutes({ containers: { diff: changes, copy: archives } }: Engine): Route[] {
  return [
    {
      method: "GET",
      path: "/containers/{id*}/changes",
      since: "1.24",
      handler: ({ params }) => jsonArray(changes.of(params.id), changeView),
    },
    {
      method: "HEAD",
      path: "/containers/{id*}/archive",
      since: "1.24",
      handler: async (request) => {
        const info = await archives.stat(request.params.id, pathOf(request), request.signal);
        return { ...empty(200), headers: { [STAT_HEADER]: pathStatHeader(info) } };
      },
    },
    {
      method: "GET",
      path: "/containers/{id*}/archive",
      since: "1.24",
      handler: async (request): Promise<Reply> => {
        const { info, archive } = await archives.pack(request.params.id, pathOf(request), request.signal);
        const headers = { [STAT_HEADER]: pathStatHeader(info) };
        return { kind: "stream", contentType: "application/x-tar", headers, body: await started(archive) };
      },
    },
    {
      method: "PUT",
      path: "/containers/{id*}/archive",
      since: "1.24",
      handler: async (request) => {
        const { params, query, signal } = request;
        const unpacking = {
          path: pathOf(request),
          mayReplaceDirs: !query.flag("noOverwriteDirNonDir"),
          toUser: query.flag("copyUIDGID"),
        };
        await archives.unpack(params.id, unpacking, request.upload(), signal);
        return empty(200);
      },
    },
    {
      method: "GET",
      path: "/containers/{id*}/export",
      since: "1.24",
      handler: async ({ params, signal }): Promise<Reply> => {
        const body = await archives.export(params.id, signal);
        return { kind: "stream", contentType: "application/octet-stream", body: await started(body) };
      },
    },
  ];
}

/**
 * Returns the required parameter `path`.
 * @throws {TsdError} invalid_argument
 */
function pathOf({ query }: Pick<ApiRequest, "query">): string {
  const path = query.text("path");
  if (path !== undefined) return path;
  throw new TsdError("invalid_argument", "bad parameter: path cannot be empty");
}
