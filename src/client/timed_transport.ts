import type { EngineRequest, EngineResponse, EngineTransport, RawStream } from "./transport.ts";

/** A part of a request's time in the engine; `engine` is the whole of it. */
export interface EnginePhase {
  readonly name: string;
  readonly ms: number;
}

/** An answer: how long it took from the connection on, and what the engine tells of it; nothing where it tells nothing. */
export interface TimedAnswer {
  readonly ms: number;
  readonly phases: readonly EnginePhase[];
}

/** Who hears of the stages of requests. */
export interface RequestObserver {
  connected(): void;
  answered(answer: TimedAnswer): void;
}

/** An engine that is asked for the phases of each request. */
export class TimedTransport implements EngineTransport {
  readonly #engine: EngineTransport;
  readonly #observer: RequestObserver;

  constructor(engine: EngineTransport, observer: RequestObserver) {
    this.#engine = engine;
    this.#observer = observer;
  }

  request(request: EngineRequest): Promise<EngineResponse> {
    return this.#timed(
      request,
      (asking) => this.#engine.request(asking),
      ({ headers }) => headers.get("server-timing"),
    );
  }

  hijack(request: EngineRequest): Promise<RawStream> {
    return this.#timed(
      request,
      (asking) => this.#engine.hijack(asking),
      ({ headers }) => headers.get("server-timing"),
    );
  }

  async #timed<T>(
    request: EngineRequest,
    send: (request: EngineRequest) => Promise<T>,
    timingOf: (answer: T) => string | undefined,
  ): Promise<T> {
    let beganMs = performance.now();
    const onConnected = () => {
      this.#observer.connected();
      beganMs = performance.now();
      request.onConnected?.();
    };
    const answer = await send({ ...request, headers: { ...request.headers, "Tsd-Timing": "1" }, onConnected });
    this.#observer.answered({ ms: performance.now() - beganMs, phases: parseServerTiming(timingOf(answer)) });
    return answer;
  }
}

/** The metrics of a `Server-Timing` header that have a duration, in their order. */
export function parseServerTiming(header: string | undefined): EnginePhase[] {
  return [...(header ?? "").matchAll(/([^\s,;]+)\s*;[^,]*?\bdur=(\d+(?:\.\d+)?)/g)]
    .map(([, name, ms]) => ({ name: name!, ms: Number(ms) }));
}
