import type { PendingEvent } from "../engine/events/event.ts";
import { type Get, TOKENS } from "./tokens.ts";

/**
 * Whether a step that the engine before had begun when it was killed has come to its end; asked once all that it left is
 * taken up. Undefined: that will show.
 */
export function hasComeTrue(get: Get, { type, action, actorId, attributes }: PendingEvent): boolean | undefined {
  switch (`${type} ${action}`) {
    case "container stop":
      // Its process goes on: it is told of its end then.
      return get(TOKENS.table).known(actorId)?.isRunning ? undefined : false;
    case "container create":
    case "container update":
      return get(TOKENS.table).has(actorId);
    case "network create":
      return get(TOKENS.networkTable).has(actorId);
    case "network connect":
      return get(TOKENS.networks).leasesOf({ id: actorId }).some(({ containerId }) =>
        containerId === attributes.container
      );
    case "volume rename":
      return get(TOKENS.volumeTable).known(actorId) !== undefined;
    case "network destroy":
    case "image delete":
      // Its record went when this was noted.
      return true;
    default:
      return false;
  }
}
