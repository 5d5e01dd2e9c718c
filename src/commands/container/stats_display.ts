import type { ContainerStats } from "../../api_types/mod.ts";
import type { ReceivedEvent } from "../../client/events.ts";
import type { Client } from "../../client/client.ts";
import { toTsdError, type TsdError } from "../../errors.ts";
import { shortId } from "../formatter/list_format.ts";

interface FollowedContainer {
  latest: ContainerStats | undefined;
  readonly stop: AbortController;
  /** Resolves at the first sample, or to the error if there will be none. */
  readonly heard: Promise<TsdError | undefined>;
}

/** The followed containers with the latest sample of each. Disposing closes all streams. */
export class StatsBoard implements Disposable {
  readonly #engine: Client;
  readonly #followed = new Map<string, FollowedContainer>();
  readonly #stop = new AbortController();

  constructor(engine: Client) {
    this.#engine = engine;
  }

  /** The containers in the order in which they were added. */
  get rows(): readonly { readonly requested: string; readonly latest: ContainerStats | undefined }[] {
    return [...this.#followed].map(([requested, { latest }]) => ({ requested, latest }));
  }

  /** Starts following a container by its requested name. */
  follow(requested: string): void {
    if (this.#followed.has(requested)) return;
    const stop = new AbortController();
    const first = Promise.withResolvers<TsdError | undefined>();
    const followed: FollowedContainer = { latest: undefined, stop, heard: first.promise };
    this.#followed.set(requested, followed);
    void this.#listen(requested, followed, () => first.resolve(undefined)).catch((thrown) => {
      first.resolve(toTsdError(thrown));
      // A container without any sample is kept, so that `settled` returns its failure.
      if (followed.latest !== undefined) this.#drop(requested, followed);
    });
  }

  /** Stops following a container. */
  forget(requested: string): void {
    this.#followed.get(requested)?.stop.abort();
    this.#followed.delete(requested);
  }

  /** Waits until each container has a sample or has failed. Returns the failures, in order. */
  async settled(): Promise<TsdError[]> {
    const heard = await Promise.all([...this.#followed.values()].map(({ heard }) => heard));
    return heard.filter((error) => error !== undefined);
  }

  /**
   * Follows all running containers (`all`: stopped ones too), including those that appear later.
   * @param onEnd called when the event stream ends, with the failure if there was one
   */
  async followAll(all: boolean, onEnd: (failure: TsdError | undefined) => void): Promise<void> {
    const filters = { type: ["container"] };
    const events = await this.#engine.listen({ filters, signal: this.#stop.signal });
    for (const { Id } of await this.#engine.containers.list({ all })) this.follow(shortId(Id));
    void this.#followEvents(events, all).then(() => onEnd(undefined), (thrown) => onEnd(toTsdError(thrown)));
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const requested of [...this.#followed.keys()]) this.forget(requested);
  }

  async #followEvents(events: AsyncIterable<ReceivedEvent>, all: boolean): Promise<void> {
    const [added, removed] = all ? ["create", "destroy"] : ["start", "die"];
    for await (const { message: { Action, Actor } } of events) {
      if (Action === added) this.follow(shortId(Actor.ID));
      if (Action === removed) this.forget(shortId(Actor.ID));
    }
  }

  async #listen(requested: string, followed: FollowedContainer, onHeard: () => void): Promise<void> {
    const { signal } = followed.stop;
    for await (const sample of this.#engine.containers.get(requested).stats({ stream: true, signal })) {
      followed.latest = sample;
      onHeard();
    }
    // The container was removed.
    this.#drop(requested, followed);
    onHeard();
  }

  #drop(requested: string, followed: FollowedContainer): void {
    if (this.#followed.get(requested) === followed) this.#followed.delete(requested);
  }
}
