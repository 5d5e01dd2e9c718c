/**
 * @module
 * The composition root: the only module that uses tsyringe's container. Everything else in the engine takes plain
 * constructor parameters. Nothing is started here: see `serve.ts`.
 */
import "reflect-metadata";
import { container as root, instanceCachingFactory } from "tsyringe";
import { containersFactories } from "./composition/containers.ts";
import { eventsFactories } from "./composition/events.ts";
import { execsFactories } from "./composition/execs.ts";
import { imagesFactories } from "./composition/images.ts";
import { networksFactories } from "./composition/networks.ts";
import { pluginsFactories } from "./composition/plugins.ts";
import { runtimeFactories } from "./composition/runtime.ts";
import { storeFactories } from "./composition/store.ts";
import { systemFactories } from "./composition/system.ts";
import { tasksFactories } from "./composition/tasks.ts";
import { volumesFactories } from "./composition/volumes.ts";
import type { Factories } from "./composition/factories.ts";
import type { Engine, EngineSettings } from "./engine/mod.ts";

export { composeServer } from "./composition/api.ts";

type Nouns = Omit<Engine, "settings">;

/** Returns the factories of all parts. A part without a factory is a compile error. */
function allFactories(settings: EngineSettings): { readonly [Noun in keyof Nouns]: Factories<Nouns[Noun]> } {
  return {
    store: storeFactories(settings),
    events: eventsFactories(settings),
    runtime: runtimeFactories(settings),
    networks: networksFactories(settings),
    images: imagesFactories(settings),
    containers: containersFactories(settings),
    tasks: tasksFactories(settings),
    execs: execsFactories(settings),
    volumes: volumesFactories(settings),
    plugins: pluginsFactories(settings),
    system: systemFactories(settings),
  };
}

/** Composes an engine from its settings. Each part is created when it is first read, and once. */
export function composeEngine(settings: EngineSettings): Engine {
  const container = root.createChildContainer();
  const nouns: Record<string, object> = {};
  const engine = { settings, ...nouns } as unknown as Engine;
  for (const [noun, factories] of Object.entries(allFactories(settings))) {
    const parts = {};
    for (const [name, make] of Object.entries(factories as Factories<Record<string, unknown>>)) {
      const token = Symbol(`${noun}.${name}`);
      container.register(token, { useFactory: instanceCachingFactory(() => make(engine)) });
      Object.defineProperty(parts, name, { enumerable: true, get: () => container.resolve(token) });
    }
    Object.defineProperty(engine, noun, { enumerable: true, value: parts });
  }
  return engine;
}
