/** Measures the latency of an engine's API while the engine is under load. */
import type { EngineApi } from "../../tests/harness/mod.ts";

const EVERY_MS = 10;
const PATHS = ["/version", "/containers/json"];

/** Sends a request every 10 ms, whether or not the previous one was answered, until it is stopped. */
export class ApiProbe implements AsyncDisposable {
  readonly #api: EngineApi;
  readonly #timesMs: number[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #timer: ReturnType<typeof setInterval>;
  #requested = 0;
  #failure: unknown;

  constructor(api: EngineApi) {
    this.#api = api;
    this.#timer = setInterval(() => {
      const request = this.#request().finally(() => this.#pending.delete(request));
      this.#pending.add(request);
    }, EVERY_MS);
  }

  /**
   * Stops the probe and returns the duration of each request, from before the connection to the last byte, in ms.
   * @throws the error of the first failed request
   */
  async stop(): Promise<readonly number[]> {
    await this[Symbol.asyncDispose]();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#timesMs;
  }

  /** Sends no more requests, and waits for the pending ones. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
  }

  async #request(): Promise<void> {
    const path = PATHS[this.#requested++ % PATHS.length]!;
    const startedMs = performance.now();
    try {
      const { status } = await this.#api.get(path);
      if (status !== 200) throw new Error(`GET ${path}: ${status}`);
      this.#timesMs.push(performance.now() - startedMs);
    } catch (thrown) {
      this.#failure ??= thrown;
    }
  }
}
