/**
 * @module
 * The composition root: the only module that uses tsyringe's container. Each token has one factory; everything else in
 * the engine takes plain constructor parameters. Nothing is started here: see `serve.ts`.
 */
import "reflect-metadata";
import { container as root, type DependencyContainer, instanceCachingFactory } from "tsyringe";
import { provideApi } from "./composition/api.ts";
import { provideContainers } from "./composition/containers.ts";
import { provideControls } from "./composition/controls.ts";
import { provideEvents } from "./composition/events.ts";
import { provideImages } from "./composition/images.ts";
import { provideStats, provideUsage } from "./composition/measures.ts";
import { provideNetworks } from "./composition/networks.ts";
import { provideExternalPlugins } from "./composition/external_plugins.ts";
import { providePlugins } from "./composition/plugins.ts";
import { provideRuns } from "./composition/runs.ts";
import { provideRuntime } from "./composition/runtime.ts";
import { provideStores } from "./composition/stores.ts";
import { provideVolumes } from "./composition/volumes.ts";
import { type EngineSettings, type Get, type Provide, TOKENS } from "./composition/tokens.ts";

export { type EngineSettings, TOKENS } from "./composition/tokens.ts";

const PARTS = [
  provideStores,
  provideEvents,
  provideRuntime,
  provideNetworks,
  provideImages,
  provideContainers,
  provideRuns,
  provideStats,
  provideUsage,
  provideVolumes,
  provideControls,
  providePlugins,
  provideExternalPlugins,
  provideApi,
];

/** The objects of one engine, each created when it is first requested. */
export class Composition {
  readonly #container: DependencyContainer = root.createChildContainer();
  readonly get: Get = (requested) => this.#container.resolve(requested.key);

  constructor(settings: EngineSettings) {
    const provide: Provide = (token, make) => {
      this.#container.register(token.key, { useFactory: instanceCachingFactory(() => make(this.get)) });
    };
    provide(TOKENS.settings, () => settings);
    for (const part of PARTS) part(provide, settings);
  }
}
