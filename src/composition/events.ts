import { ContainerEvents } from "../engine/events/container_events.ts";
import { EventBus } from "../engine/events/event_bus.ts";
import { EventHistory } from "../engine/events/event_history.ts";
import { ImageEvents } from "../engine/events/image_events.ts";
import { OrphanedIntents } from "../engine/events/orphaned_intents.ts";
import { EventRecords } from "../store/event_records.ts";
import { type EngineSettings, type Provide, TOKENS } from "./tokens.ts";

/** Provides the event bus with its history, and the emitters of events. */
export function provideEvents(provide: Provide, { log }: EngineSettings): void {
  provide(
    TOKENS.eventHistory,
    (get) => new EventHistory(new EventRecords(get(TOKENS.database)), log),
  );
  provide(TOKENS.events, (get) => new EventBus(get(TOKENS.eventHistory)));
  provide(TOKENS.orphanedIntents, (get) => new OrphanedIntents(() => get(TOKENS.events).orphanedIntents()));
  provide(TOKENS.containerEvents, (get) => new ContainerEvents(get(TOKENS.events)));
  provide(TOKENS.imageEvents, (get) => new ImageEvents(get(TOKENS.events)));
}
