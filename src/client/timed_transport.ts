import type { EngineRequest, EngineResponse, EngineTransport, RawStream } from "./transport.ts";

/** A part of a request's time in the engine; `engine` is the whole of it. */
export interface EnginePhase {
  readonly name: string;
  readonly ms: number;
}

/** Who hears of the stages of requests. */
export interface RequestObserver {
  connected(): void;
  /** A request was answered; the phases are none where the engine doesn't tell. */
  answered(phases: readonly EnginePhase[]): void;
}

/** An engine that is asked for the phases of each request. */
export class TimedTransport implements EngineTransport {
  readonly #engine: EngineTransport;
  readonly #observer: RequestObserver;

  constructor(engine: EngineTransport, observer: RequestObserver) {
    this.#engine = engine;
    this.#observer = observer;
  }

  async request(request: EngineRequest): Promise<EngineResponse> {
    const response = await this.#engine.request(this.#asking(request));
    this.#observer.answered(parseServerTiming(response.headers.get("server-timing")));
    return response;
  }

  async hijack(request: EngineRequest): Promise<RawStream> {
    const stream = await this.#engine.hijack(this.#asking(request));
    this.#observer.answered([]);
    return stream;
  }

  #asking(request: EngineRequest): EngineRequest {
    const headers = { ...request.headers, "Tsd-Timing": "1" };
    const onConnected = () => {
      this.#observer.connected();
      request.onConnected?.();
    };
    return { ...request, headers, onConnected };
  }
}

/** The metrics of a `Server-Timing` header that have a duration, in their order. */
export function parseServerTiming(header: string | undefined): EnginePhase[] {
  return [...(header ?? "").matchAll(/([^\s,;]+)\s*;[^,]*?\bdur=(\d+(?:\.\d+)?)/g)]
    .map(([, name, ms]) => ({ name: name!, ms: Number(ms) }));
}
