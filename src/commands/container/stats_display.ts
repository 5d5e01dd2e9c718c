import type { ContainerStats } from "../../api_types/mod.ts";
import { listContainers } from "../../client/containers.ts";
import { listenToEvents } from "../../client/events.ts";
import { containerStats } from "../../client/stats.ts";
import type { EngineTransport } from "../../client/transport.ts";
import { toTsdError, type TsdError } from "../../errors.ts";
import { shortId } from "../formatter/list_format.ts";

interface Followed {
  latest: ContainerStats | undefined;
  readonly stop: AbortController;
  /** Resolves at the first sample, or when there will be none. */
  readonly heard: Promise<TsdError | undefined>;
}

/** Containers and the last that was heard of each; disposing of it ends all listening. */
export class StatsBoard implements Disposable {
  readonly #engine: EngineTransport;
  readonly #followed = new Map<string, Followed>();
  readonly #stop = new AbortController();

  constructor(engine: EngineTransport) {
    this.#engine = engine;
  }

  /** In the order in which they came. */
  get rows(): readonly { readonly requested: string; readonly latest: ContainerStats | undefined }[] {
    return [...this.#followed].map(([requested, { latest }]) => ({ requested, latest }));
  }

  /** Begins to listen to a container, as it was named. */
  follow(requested: string): void {
    if (this.#followed.has(requested)) return;
    const stop = new AbortController();
    const first = Promise.withResolvers<TsdError | undefined>();
    const followed: Followed = { latest: undefined, stop, heard: first.promise };
    this.#followed.set(requested, followed);
    void this.#listen(requested, followed, () => first.resolve(undefined)).catch((thrown) => {
      first.resolve(toTsdError(thrown));
      // One of which nothing was ever heard stays, so that its failure can be told.
      if (followed.latest !== undefined) this.#drop(requested, followed);
    });
  }

  forget(requested: string): void {
    this.#followed.get(requested)?.stop.abort();
    this.#followed.delete(requested);
  }

  /** Waits until something was heard of each. The failures, in order. */
  async settled(): Promise<TsdError[]> {
    const heard = await Promise.all([...this.#followed.values()].map(({ heard }) => heard));
    return heard.filter((error) => error !== undefined);
  }

  /** Follows all containers (`all`: also those that don't run), also those to come; `onEnd` is told when that ends. */
  async followAll(all: boolean, onEnd: (failure: TsdError | undefined) => void): Promise<void> {
    const filters = { type: ["container"] };
    const events = await listenToEvents(this.#engine, { filters, signal: this.#stop.signal });
    for (const { Id } of await listContainers(this.#engine, { all })) this.follow(shortId(Id));
    void this.#adapt(events, all).then(() => onEnd(undefined), (thrown) => onEnd(toTsdError(thrown)));
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const requested of [...this.#followed.keys()]) this.forget(requested);
  }

  async #adapt(events: Awaited<ReturnType<typeof listenToEvents>>, all: boolean): Promise<void> {
    const [comes, goes] = all ? ["create", "destroy"] : ["start", "die"];
    for await (const { message: { Action, Actor } } of events) {
      if (Action === comes) this.follow(shortId(Actor.ID));
      if (Action === goes) this.forget(shortId(Actor.ID));
    }
  }

  async #listen(requested: string, followed: Followed, onHeard: () => void): Promise<void> {
    const { signal } = followed.stop;
    for await (const sample of containerStats(this.#engine, requested, { stream: true, signal })) {
      followed.latest = sample;
      onHeard();
    }
    // It was removed.
    this.#drop(requested, followed);
    onHeard();
  }

  #drop(requested: string, followed: Followed): void {
    if (this.#followed.get(requested) === followed) this.#followed.delete(requested);
  }
}
