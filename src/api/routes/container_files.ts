/**
 * @module
 * The files of containers: what was changed in their roots.
 */
import { jsonArray } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Services } from "../services.ts";
import { changeView } from "../views/change_view.ts";

export function containerFileRoutes({ changes }: Services): Route[] {
  return [
    {
      method: "GET",
      path: "/containers/{id}/changes",
      since: "1.24",
      handler: ({ params }) => jsonArray(changes.of(params.id), changeView),
    },
  ];
}
