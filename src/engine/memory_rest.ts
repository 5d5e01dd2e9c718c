/**
 * @module
 * What an engine has in memory while nobody asks anything of it. Starting up and starting containers touch a lot that is
 * not needed afterwards; a moment after the last request that goes back to the machine.
 */
import type { OwnMemoryCalls } from "../sys/mod.ts";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

export interface MemoryRestOptions {
  /** How long nobody has asked for anything by then, in ms. */
  readonly afterMs: number;
  readonly memory: OwnMemoryCalls;
  /** V8's `gc`, where it was started with `--expose-gc`. */
  readonly collect?: (() => void) | undefined;
  readonly clock?: Clock;
}

/** Comes to rest; {@link MemoryRest.used} is told of every request. */
export class MemoryRest implements Disposable {
  readonly #options: MemoryRestOptions;
  #timer: Disposable | undefined;
  #lastMs = 0;

  constructor(options: MemoryRestOptions) {
    this.#options = options;
    this.used();
  }

  /** Cheap: a timer is made once for a busy time, not for each request in it. */
  used(): void {
    this.#lastMs = this.#clock.now();
    this.#timer ??= this.#clock.after(this.#options.afterMs, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  get #clock(): Clock {
    return this.#options.clock ?? SYSTEM_CLOCK;
  }

  #look(): void {
    const { afterMs, collect, memory } = this.#options;
    const leftMs = this.#lastMs + afterMs - this.#clock.now();
    this.#timer = leftMs > 0 ? this.#clock.after(leftMs, () => this.#look()) : undefined;
    if (leftMs > 0) return;
    collect?.();
    memory.releaseHeap();
    memory.releaseProgram();
  }
}
