import { epollHangUps } from "../api/http/hang_up.ts";
import { ApiServer } from "../api/http/server.ts";
import { allRoutes } from "../api/routes/mod.ts";
import type { Services } from "../api/services.ts";
import { BUILD_INFO } from "../build_info.ts";
import { ContainerDiff } from "../engine/containers/diff.ts";
import { SystemService } from "../engine/system/system_service.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides the services that the API's routes use, and its server. */
export function provideApi(
  provide: Provide,
  { paths, storage, info, log, config, proxies, onRequest }: EngineSettings,
): void {
  provide(TOKENS.system, (get) =>
    new SystemService({
      build: BUILD_INFO,
      paths,
      info,
      registries: config.registries,
      proxies,
      runtimes: get(TOKENS.runtimes),
      table: get(TOKENS.table),
      images: get(TOKENS.catalog),
      storage,
      layers: get(TOKENS.layers),
      events: get(TOKENS.events),
      plugins: get(TOKENS.hooks),
    }));
  provide(TOKENS.services, (get): Services => ({
    paths,
    creator: get(TOKENS.creator),
    containers: get(TOKENS.containers),
    networks: get(TOKENS.networks),
    networkTable: get(TOKENS.networkTable),
    networkService: get(TOKENS.networkService),
    table: get(TOKENS.table),
    archives: get(TOKENS.archives),
    sizes: get(TOKENS.sizes),
    changes: new ContainerDiff(get(TOKENS.table), get(TOKENS.snapshots)),
    logs: get(TOKENS.logs),
    execs: get(TOKENS.execs),
    images: get(TOKENS.catalog),
    imageRemover: get(TOKENS.remover),
    imageTagger: get(TOKENS.tagger),
    imageLoader: get(TOKENS.loader),
    imageSaver: get(TOKENS.saver),
    imageUsage: get(TOKENS.imageUsage),
    imageCheck: get(TOKENS.imageCheck),
    layerSizes: get(TOKENS.layerSizes),
    puller: get(TOKENS.puller),
    registry: get(TOKENS.registry),
    system: get(TOKENS.system),
    diskUsage: get(TOKENS.diskUsage),
    plugins: get(TOKENS.plugins),
    prune: get(TOKENS.prune),
    events: get(TOKENS.events),
    containerEvents: get(TOKENS.containerEvents),
    stats: get(TOKENS.stats),
    freezer: get(TOKENS.freezer),
    health: get(TOKENS.health),
    renamer: get(TOKENS.renamer),
    updater: get(TOKENS.updater),
    processList: get(TOKENS.processList),
    volumes: get(TOKENS.volumes),
    volumeTable: get(TOKENS.volumeTable),
    volumeUsage: get(TOKENS.volumeUsage),
    volumeCopies: get(TOKENS.volumeCopies),
    volumeRenamer: get(TOKENS.volumeRenamer),
    metrics: get(TOKENS.metrics),
    driver: get(TOKENS.layers).driver,
  }));
  provide(TOKENS.server, (get) =>
    new ApiServer({
      routes: allRoutes(get(TOKENS.services)),
      serverVersion: BUILD_INFO.version,
      log: log.scope("api"),
      hooks: get(TOKENS.hooks),
      epoll: get(TOKENS.epoll),
      watchHangUp: epollHangUps(get(TOKENS.epoll)),
      ...(onRequest === undefined ? {} : { onRequest }),
    }));
}
