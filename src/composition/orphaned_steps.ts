import type { PendingEvent } from "../engine/events/event.ts";
import type { Engine } from "../engine/mod.ts";

/**
 * Returns whether a step that the previous engine had begun when it was killed has completed, or undefined if its event
 * will still show that. To be called once everything that the previous engine left is restored.
 */
export function hasCompleted(engine: Engine, { type, action, actorId, attributes }: PendingEvent): boolean | undefined {
  switch (`${type} ${action}`) {
    case "container stop":
      // Its process still runs: its exit is reported then.
      return engine.containers.table.known(actorId)?.isRunning ? undefined : false;
    case "container create":
    case "container update":
      return engine.containers.table.has(actorId);
    case "network create":
      return engine.networks.table.has(actorId);
    case "network connect":
      return engine.networks.containers.leasesOf({ id: actorId }).some(({ containerId }) =>
        containerId === attributes.container
      );
    case "volume rename":
      return engine.volumes.table.known(actorId) !== undefined;
    case "network destroy":
    case "image delete":
      // Its record was removed in the same transaction.
      return true;
    default:
      return false;
  }
}
