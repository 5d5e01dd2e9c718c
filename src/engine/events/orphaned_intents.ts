/**
 * @module
 * Events of steps that were under way when the engine before this one was killed. Whoever takes up what that one left knows
 * whether a step has come to its end, and has it told; of the others nothing is told.
 */
import type { EventIntent, LeftIntent } from "./event_bus.ts";
import type { ActionOf, EventKind, PendingEvent } from "./event.ts";

/** See the module's comment. */
export class OrphanedIntents {
  readonly #find: () => LeftIntent[];
  #left: LeftIntent[] | undefined;

  constructor(find: () => LeftIntent[]) {
    this.#find = find;
  }

  /** Whether a step on a thing was under way. */
  has<K extends EventKind>(type: K, action: ActionOf<K>, actorId: string): boolean {
    return this.#indexOf(type, action, actorId) >= 0;
  }

  /** The intent of a step on a thing, which is the caller's from now on. */
  take<K extends EventKind>(type: K, action: ActionOf<K>, actorId: string): EventIntent | undefined {
    const at = this.#indexOf(type, action, actorId);
    return at < 0 ? undefined : this.#all.splice(at, 1)[0];
  }

  /** Tells of a step if it has come to its end, and forgets it otherwise; nothing if none was left. */
  settle<K extends EventKind>(type: K, action: ActionOf<K>, actorId: string, isDone: boolean): void {
    for (let intent = this.take(type, action, actorId); intent; intent = this.take(type, action, actorId)) {
      if (isDone) intent.publish();
      else intent.drop();
    }
  }

  /** The same for all that are left, but for those that wait for something: `undefined`. */
  settleAll(isDone: (pending: PendingEvent) => boolean | undefined): void {
    const waiting: LeftIntent[] = [];
    for (const intent of this.#all) {
      const decision = isDone(intent.pending);
      if (decision === undefined) waiting.push(intent);
      else if (decision) intent.publish();
      else intent.drop();
    }
    this.#left = waiting;
  }

  get #all(): LeftIntent[] {
    return this.#left ??= this.#find();
  }

  #indexOf<K extends EventKind>(type: K, action: ActionOf<K>, actorId: string): number {
    return this.#all.findIndex(({ pending }) =>
      pending.type === type && pending.action === action && pending.actorId === actorId
    );
  }
}
