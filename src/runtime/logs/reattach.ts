/**
 * @module
 * Delays outputs to which clients were attached when the engine executed itself or was killed: after such an output was
 * opened, it is read only when all these clients have attached again, so that they miss nothing.
 */
import type { BytesRead } from "./protocol.ts";

/** An output to which clients were attached when their engine exited. Plain JSON. */
export interface AttachedOutput {
  readonly key: string;
  readonly listeners: number;
  readonly seen: BytesRead;
}

/** Operations on an output that doesn't wait, or no longer. */
export interface ReattachedOutput {
  begin(key: string): void;
  finish(key: string, graceMs: number): void;
  /** Called when the output stops waiting for clients. */
  settled(key: string): void;
}

interface Expected {
  readonly seen: BytesRead;
  missing: number;
  hasStarted: boolean;
  /** Grace period of the output, in ms, if the process has exited meanwhile. */
  finishMs?: number;
}

/** The outputs that wait for clients of the previous engine. */
export class ReattachQueue {
  readonly #expected = new Map<string, Expected>();
  readonly #outputs: ReattachedOutput;

  constructor(outputs: ReattachedOutput) {
    this.#outputs = outputs;
  }

  /** Registers outputs that wait, before they are opened. */
  add(outputs: readonly AttachedOutput[]): void {
    for (const { key, listeners, seen } of outputs) {
      this.#expected.set(key, { seen, missing: listeners, hasStarted: false });
    }
  }

  /** Stops waiting after `limitMs`. To be called once the API accepts connections. */
  limit(limitMs: number): void {
    Deno.unrefTimer(setTimeout(() => [...this.#expected.keys()].forEach((key) => this.#resume(key)), limitMs));
  }

  /** Returns how many bytes the previous engine already delivered, if the output waits. */
  seen(key: string): BytesRead | undefined {
    return this.#expected.get(key)?.seen;
  }

  /** Starts reading an output, now or when it stops waiting. */
  begin(key: string): void {
    const expected = this.#expected.get(key);
    if (expected === undefined) this.#outputs.begin(key);
    else expected.hasStarted = true;
  }

  /** Finishes an output whose process has exited, now or when it stops waiting. */
  finish(key: string, graceMs: number): void {
    const expected = this.#expected.get(key);
    if (expected === undefined) this.#outputs.finish(key, graceMs);
    else expected.finishMs = graceMs;
  }

  /** Counts a client that has attached; the output resumes after the last one. */
  isBack(key: string): void {
    const expected = this.#expected.get(key);
    if (expected !== undefined && --expected.missing === 0) this.#resume(key);
  }

  #resume(key: string): void {
    const expected = this.#expected.get(key);
    this.#expected.delete(key);
    this.#outputs.settled(key);
    if (expected?.hasStarted) this.#outputs.begin(key);
    if (expected?.finishMs !== undefined) this.#outputs.finish(key, expected.finishMs);
  }
}
