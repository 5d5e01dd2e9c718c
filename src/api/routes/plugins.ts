/**
 * @module
 * `/tsd/plugins`: tsd's own routes. Docker's `/plugins` are another kind of plugins, of which tsd has none.
 */
import { TsdError } from "../../errors.ts";
import { parseGrant, parseSentPlugin } from "../../engine/plugins/plugin_requests.ts";
import { empty, json } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";

export function pluginRoutes({ plugins: { service: plugins } }: Engine): Route[] {
  return [
    { method: "GET", path: "/plugins", since: "1.25", handler: () => json([]) },
    {
      method: "GET",
      path: "/tsd/plugins",
      since: "1.25",
      handler: async () => {
        await plugins.scan();
        return json(plugins.list());
      },
    },
    {
      method: "POST",
      path: "/tsd/plugins",
      since: "1.25",
      handler: async (request) => json(await plugins.install(parseSentPlugin(await request.json())), 201),
    },
    {
      method: "POST",
      path: "/tsd/plugins/look",
      since: "1.25",
      handler: async (request) => json(await plugins.look(parseSentPlugin(await request.json()))),
    },
    {
      method: "POST",
      path: "/tsd/plugins/test",
      since: "1.25",
      handler: async (request) => {
        const { grant, ...file } = parseSentPlugin(await request.json());
        return json(await plugins.test({ ...file, settings: grant.Config ?? {} }));
      },
    },
    {
      method: "GET",
      path: "/tsd/plugins/{name}",
      since: "1.25",
      handler: ({ params }) => json(plugins.inspect(params.name)),
    },
    {
      method: "DELETE",
      path: "/tsd/plugins/{name}",
      since: "1.25",
      handler: async ({ params }) => {
        await plugins.remove(params.name);
        return empty();
      },
    },
    {
      method: "POST",
      path: "/tsd/plugins/{name}/enable",
      since: "1.25",
      handler: async (request) => json(await plugins.enable(request.params.name, parseGrant(await request.json()))),
    },
    {
      method: "POST",
      path: "/tsd/plugins/{name}/disable",
      since: "1.25",
      handler: async ({ params }) => json(await plugins.disable(params.name)),
    },
    {
      method: "GET",
      path: "/tsd/plugins/{name}/logs",
      since: "1.25",
      handler: async ({ params, query }) => json(await plugins.logs(params.name, linesOf(query.text("tail")))),
    },
  ];
}

function linesOf(tail: string | undefined): number {
  // Logs are bounded.
  if (tail === undefined || tail === "all") return Infinity;
  if (/^\d{1,6}$/.test(tail)) return Number(tail);
  throw new TsdError("invalid_argument", `Invalid tail ${JSON.stringify(tail)}: give a number of lines, or all`);
}
