/** Things that come and go in lanes of requests, one after another in each, and what was answered. */
import { strict as assert } from "node:assert";
import type { Engine } from "../harness/mod.ts";

/** See the module's comment. Whoever extends it says what a lane makes and how that goes. */
export abstract class Lives {
  readonly #engine: Engine;
  /** How many of a lane's things are there at once. */
  readonly #kept: number;
  #isOver = false;
  #answered = 0;

  constructor(engine: Engine, kept: number) {
    this.#engine = engine;
    this.#kept = kept;
  }

  /** Makes the next one; gives the name that it has at last. */
  protected abstract make(lane: number, turn: number): Promise<string>;
  protected abstract remove(name: string): Promise<void>;

  /** Requests that were answered. */
  get answered(): number {
    return this.#answered;
  }

  /** Runs so many lanes until `end` is called. */
  async run(lanes: number): Promise<void> {
    await Promise.all(Array.from({ length: lanes }, async (_, lane) => {
      const alive: string[] = [];
      for (let turn = 0; !this.#isOver; turn++) {
        alive.push(await this.make(lane, turn));
        if (alive.length > this.#kept) await this.remove(alive.shift()!);
      }
    }));
  }

  end(): void {
    this.#isOver = true;
  }

  /** By the API. @throws AssertionError when it is refused, or says that it failed while it answered */
  protected async ask(method: string, path: string, body?: unknown): Promise<void> {
    const answer = await this.#engine.api.request(method, path, { body });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text()}`);
    assert.ok(!answer.text().includes('"errorDetail"'), `${method} ${path}: ${answer.text()}`);
    this.#answered++;
  }

  /** By the executable. @throws AssertionError */
  protected async tsd(...args: string[]): Promise<void> {
    const { code, stderr } = await this.#engine.tsd(args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    this.#answered++;
  }
}
