/**
 * Outputs that somebody was attached to when the engine executed itself anew, or was killed: once they are open they wait
 * until all of those are back, who so miss nothing.
 */
import type { BytesRead } from "./protocol.ts";

/** An output that somebody was attached to when its engine left. Plain JSON. */
export interface AttachedOutput {
  readonly key: string;
  readonly listeners: number;
  readonly seen: BytesRead;
}

/** What is done with an output when it needn't wait (any more). */
export interface ReattachedOutput {
  begin(key: string): void;
  finish(key: string, graceMs: number): void;
  /** Nobody is waited for any more. */
  settled(key: string): void;
}

interface Expected {
  readonly seen: BytesRead;
  missing: number;
  hasStarted: boolean;
  /** The process has ended meanwhile, and its output has so long. */
  finishMs?: number;
}

/** See the module's comment. */
export class ReattachQueue {
  readonly #expected = new Map<string, Expected>();
  readonly #outputs: ReattachedOutput;

  constructor(outputs: ReattachedOutput) {
    this.#outputs = outputs;
  }

  add(outputs: readonly AttachedOutput[]): void {
    for (const { key, listeners, seen } of outputs) {
      this.#expected.set(key, { seen, missing: listeners, hasStarted: false });
    }
  }

  /** Clients can come: whoever isn't there after `limitMs` isn't waited for. */
  limit(limitMs: number): void {
    Deno.unrefTimer(setTimeout(() => [...this.#expected.keys()].forEach((key) => this.#goOn(key)), limitMs));
  }

  /** What had been read of it, if it waits. */
  seen(key: string): BytesRead | undefined {
    return this.#expected.get(key)?.seen;
  }

  /** Its process runs. */
  begin(key: string): void {
    const expected = this.#expected.get(key);
    if (expected === undefined) this.#outputs.begin(key);
    else expected.hasStarted = true;
  }

  /** Its process has ended. */
  finish(key: string, graceMs: number): void {
    const expected = this.#expected.get(key);
    if (expected === undefined) this.#outputs.finish(key, graceMs);
    else expected.finishMs = graceMs;
  }

  /** Somebody has attached. */
  isBack(key: string): void {
    const expected = this.#expected.get(key);
    if (expected !== undefined && --expected.missing === 0) this.#goOn(key);
  }

  #goOn(key: string): void {
    const expected = this.#expected.get(key);
    this.#expected.delete(key);
    this.#outputs.settled(key);
    if (expected?.hasStarted) this.#outputs.begin(key);
    if (expected?.finishMs !== undefined) this.#outputs.finish(key, expected.finishMs);
  }
}
