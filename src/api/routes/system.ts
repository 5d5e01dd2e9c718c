/**
 * @module
 * `/_ping`, `/version`, `/info`.
 */
import { json, type Reply } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import { MAX_API_VERSION, MIN_API_VERSION } from "../http/version.ts";
import type { Engine } from "../../engine/mod.ts";

const PING: Reply = {
  kind: "text",
  status: 200,
  body: "OK",
  headers: {
    "Builder-Version": "1",
    "Swarm": "inactive",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
  },
};

export function systemRoutes({ system: { service: system } }: Engine): Route[] {
  return [
    { method: "GET", path: "/_ping", since: "1.24", handler: () => PING },
    { method: "HEAD", path: "/_ping", since: "1.24", handler: () => PING },
    {
      method: "GET",
      path: "/version",
      since: "1.24",
      handler: async () => json(await system.version(MAX_API_VERSION, MIN_API_VERSION)),
    },
    { method: "GET", path: "/info", since: "1.24", handler: async () => json(await system.info()) },
  ];
}
