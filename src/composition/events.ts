import { ContainerEvents } from "../engine/events/container_events.ts";
import { EventBus } from "../engine/events/event_bus.ts";
import { EventHistory } from "../engine/events/event_history.ts";
import { ImageEvents } from "../engine/events/image_events.ts";
import { NetworkEvents } from "../engine/events/network_events.ts";
import { OrphanedIntents } from "../engine/events/orphaned_intents.ts";
import { VolumeEvents } from "../engine/events/volume_events.ts";
import type { EngineSettings, EventParts } from "../engine/mod.ts";
import { EventRecords } from "../store/event_records.ts";
import type { Factories } from "./factories.ts";

/** Creates the event bus with its history, and the emitters of events. */
export function eventsFactories({ log }: EngineSettings): Factories<EventParts> {
  return {
    bus: (engine) => new EventBus(engine.events.history),
    history: (engine) => new EventHistory(new EventRecords(engine.store.database), log),
    orphanedIntents: (engine) => new OrphanedIntents(() => engine.events.bus.orphanedIntents()),
    containers: (engine) => new ContainerEvents(engine.events.bus),
    images: (engine) => new ImageEvents(engine.events.bus),
    networks: (engine) => new NetworkEvents(engine.events.bus),
    volumes: (engine) => new VolumeEvents(engine.events.bus),
  };
}
