/** Objects that concurrent lanes of sequential requests create and remove, and what was answered. */
import { strict as assert } from "node:assert";
import type { Engine } from "../harness/mod.ts";

/** Creates and removes objects in concurrent lanes. Subclasses define what a lane creates and how it is removed. */
export abstract class Lives {
  readonly #engine: Engine;
  /** The number of objects that a lane keeps. */
  readonly #kept: number;
  #isOver = false;
  #answered = 0;

  constructor(engine: Engine, kept: number) {
    this.#engine = engine;
    this.#kept = kept;
  }

  /** Creates the next object; returns its final name. */
  protected abstract make(lane: number, turn: number): Promise<string>;
  protected abstract remove(name: string): Promise<void>;

  /** The number of answered requests. */
  get answered(): number {
    return this.#answered;
  }

  /** Runs that many lanes until `end` is called. */
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

  /** Makes an API request. @throws AssertionError if it is refused, or reports a failure in its stream */
  protected async ask(method: string, path: string, body?: unknown): Promise<void> {
    const answer = await this.#engine.api.request(method, path, { body });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text()}`);
    assert.ok(!answer.text().includes('"errorDetail"'), `${method} ${path}: ${answer.text()}`);
    this.#answered++;
  }

  /** Runs the executable. @throws AssertionError */
  protected async tsd(...args: string[]): Promise<void> {
    const { code, stderr } = await this.#engine.tsd(args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    this.#answered++;
  }
}
