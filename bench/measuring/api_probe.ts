/** How long an engine's API takes while the engine is busy with something else. */
import type { EngineApi } from "../../tests/harness/mod.ts";

const EVERY_MS = 10;
const PATHS = ["/version", "/containers/json"];

/** Asks every 10 ms, whether the last answer has come or not, until it is stopped. */
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
      const asking = this.#ask().finally(() => this.#pending.delete(asking));
      this.#pending.add(asking);
    }, EVERY_MS);
  }

  /** The time of each answer, from before the connection to the last byte, in ms. @throws what a request threw */
  async stop(): Promise<readonly number[]> {
    await this[Symbol.asyncDispose]();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#timesMs;
  }

  /** Asks no more, and waits for what it has asked. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
  }

  async #ask(): Promise<void> {
    const path = PATHS[this.#requested++ % PATHS.length]!;
    const beganMs = performance.now();
    try {
      const { status } = await this.#api.get(path);
      if (status !== 200) throw new Error(`GET ${path}: ${status}`);
      this.#timesMs.push(performance.now() - beganMs);
    } catch (thrown) {
      this.#failure ??= thrown;
    }
  }
}
