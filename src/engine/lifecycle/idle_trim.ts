/**
 * @module
 * What an engine has in memory while nobody asks anything of it. Starting up and starting containers touch a lot that is
 * not needed afterwards; a moment after the last request that goes back to the machine.
 */
import type { Log } from "../../log.ts";
import type { SelfMemoryCalls } from "../../sys/mod.ts";
import { type Clock, SYSTEM_CLOCK } from "../../async/clock.ts";

/** V8's `gc`, as far as it is used here. */
export type Collect = (how: typeof EVERYTHING) => void;

/**
 * As if memory had run out: only so does V8 also give back the room that garbage was in, which is more than all that is in
 * use. It takes a few tens of milliseconds.
 */
const EVERYTHING = { type: "major", execution: "sync", flavor: "last-resort" } as const;

export interface IdleTrimOptions {
  /** How long nobody has asked for anything by then, in ms. */
  readonly afterMs: number;
  readonly memory: SelfMemoryCalls;
  /** V8's `gc`, where it was started with `--expose-gc`. */
  readonly collect?: Collect | undefined;
  /** What there is after that, in bytes. */
  readonly usage: () => Pick<Deno.MemoryUsage, "heapUsed" | "external">;
  readonly log: Log;
  readonly clock?: Clock;
}

/** Comes to rest; {@link IdleTrim.used} is told of every request. */
export class IdleTrim implements Disposable {
  readonly #options: IdleTrimOptions;
  #timer: Disposable | undefined;
  #lastMs = 0;

  constructor(options: IdleTrimOptions) {
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
    const { afterMs, collect, memory, usage, log } = this.#options;
    const remainingMs = this.#lastMs + afterMs - this.#clock.now();
    this.#timer = remainingMs > 0 ? this.#clock.after(remainingMs, () => this.#look()) : undefined;
    if (remainingMs > 0) return;
    collect?.(EVERYTHING);
    memory.releaseHeap();
    try {
      memory.releaseProgram();
    } catch (thrown) {
      // Too many files are open, for example: it stays in memory for now.
      log.debug("cannot give memory back", { error: String(thrown) });
    }
    const { heapUsed: heapBytes, external: externalBytes } = usage();
    log.debug("memory at rest", { heapBytes, externalBytes });
  }
}
