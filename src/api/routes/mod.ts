/**
 * @module
 * The table of all routes, in the order in which they are searched.
 */
import type { Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import { authRoutes } from "./auth.ts";
import { containerFileRoutes } from "./container_files.ts";
import { containerRoutes } from "./containers.ts";
import { diskUsageRoutes } from "./disk_usage.ts";
import { eventRoutes } from "./events.ts";
import { execRoutes } from "./execs.ts";
import { imageArchiveRoutes } from "./image_archives.ts";
import { imageCheckRoutes } from "./image_check.ts";
import { imageRoutes } from "./images.ts";
import { logRoutes } from "./logs.ts";
import { metricsRoutes } from "./metrics.ts";
import { networkRoutes } from "./networks.ts";
import { pluginRoutes } from "./plugins.ts";
import { pruneRoutes } from "./prune.ts";
import { statsRoutes } from "./stats.ts";
import { systemRoutes } from "./system.ts";
import { volumeRoutes } from "./volumes.ts";

/** Returns all routes of the API. */
export function allRoutes(engine: Engine): Route[] {
  return [
    ...systemRoutes(engine),
    ...diskUsageRoutes(engine),
    ...pruneRoutes(engine),
    ...eventRoutes(engine),
    ...containerRoutes(engine),
    ...containerFileRoutes(engine),
    ...logRoutes(engine),
    ...statsRoutes(engine),
    ...metricsRoutes(engine),
    ...execRoutes(engine),
    ...networkRoutes(engine),
    ...imageArchiveRoutes(engine),
    ...imageRoutes(engine),
    ...imageCheckRoutes(engine),
    ...volumeRoutes(engine),
    ...pluginRoutes(engine),
    ...authRoutes(engine),
  ];
}
