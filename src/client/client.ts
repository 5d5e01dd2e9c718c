import type { EventMessage } from "../api_types/mod.ts";
import { Containers } from "./containers.ts";
import { type EventsOptions, followEvents, listenToEvents, type ReceivedEvent } from "./events.ts";
import { Exec } from "./exec.ts";
import { Images } from "./images.ts";
import { Networks } from "./networks.ts";
import { Plugins } from "./plugins.ts";
import { System } from "./system.ts";
import type { EngineTransport } from "./transport.ts";
import { Volumes } from "./volumes.ts";

/**
 * A client of an engine. It holds no connection: each request has its own. Errors are `TsdError`s with the code that the
 * engine gave, or `engine_unavailable`.
 */
export class Client implements AsyncDisposable {
  readonly transport: EngineTransport & Partial<Disposable>;
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly plugins: Plugins;
  readonly system: System;

  constructor(transport: EngineTransport & Partial<Disposable>) {
    this.transport = transport;
    this.containers = new Containers(transport);
    this.images = new Images(transport);
    this.networks = new Networks(transport);
    this.volumes = new Volumes(transport);
    this.plugins = new Plugins(transport);
    this.system = new System(transport);
  }

  /** Returns the exec of an id. Sends no request: it need not exist. */
  exec(id: string): Exec {
    return new Exec(this.transport, id);
  }

  /**
   * Yields the engine's events, until `until`, an abort of `signal`, or the end of the loop. When the engine is replaced
   * by a newer one, it goes on with the events that happened in the meantime.
   */
  async *events(options: EventsOptions = {}): AsyncGenerator<EventMessage> {
    for await (const { message } of this.followEvents(options)) yield message;
  }

  /** As {@link events}, with the text of each event. */
  followEvents(options: EventsOptions = {}): AsyncGenerator<ReceivedEvent> {
    return followEvents(this.transport, options);
  }

  /** Begins to listen: no event is missed from the moment on at which this resolves. Ends with the connection. */
  listen(options: EventsOptions = {}): Promise<AsyncIterable<ReceivedEvent>> {
    return listenToEvents(this.transport, options);
  }

  /** Closes the connections of pending requests, which fail with `cancelled`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.transport[Symbol.dispose]?.();
    return Promise.resolve();
  }
}
