/** Requests that have to be answered well, and are counted. */
import { strict as assert } from "node:assert";
import type { Engine } from "../harness/mod.ts";

export class Answered {
  readonly #engine: Engine;
  #count = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get count(): number {
    return this.#count;
  }

  /** By the API. @throws AssertionError when it is refused, or says that it failed while it answered */
  async ask(method: string, path: string, body?: unknown): Promise<void> {
    const answer = await this.#engine.api.request(method, path, { body });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text()}`);
    assert.ok(!answer.text().includes('"errorDetail"'), `${method} ${path}: ${answer.text()}`);
    this.#count++;
  }

  /** By the executable. @throws AssertionError */
  async tsd(...args: string[]): Promise<void> {
    const { code, stderr } = await this.#engine.tsd(args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    this.#count++;
  }
}
