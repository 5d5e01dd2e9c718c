import { epollHangUps } from "../api/http/hang_up.ts";
import { ApiServer } from "../api/http/server.ts";
import { allRoutes } from "../api/routes/mod.ts";
import { BUILD_INFO } from "../build_info.ts";
import type { Engine } from "../engine/mod.ts";

/** Creates the server of an engine's API. The caller opens and closes it. */
export function composeServer(engine: Engine): ApiServer {
  const { runtime: { epoll }, settings: { log, onRequest } } = engine;
  return new ApiServer({
    routes: allRoutes(engine),
    serverVersion: BUILD_INFO.version,
    log: log.scope("api"),
    hooks: engine.plugins.hooks,
    epoll,
    watchHangUp: epollHangUps(epoll),
    ...(onRequest === undefined ? {} : { onRequest }),
  });
}
