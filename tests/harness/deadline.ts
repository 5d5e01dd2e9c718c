/**
 * @module
 * Deadlines of tests. A limit is what something may take on a machine with nothing else to do: this is the one place that
 * knows how busy the machine is, and lets limits pass more slowly the more processes compete for its processors.
 */

/** A machine on which everything takes longer than so many times its time is one that hangs. */
const LARGEST_FACTOR = 10;
/** How often a deadline that is waited for looks at the machine, in ms. */
const LOOK_MS = 250;

/**
 * How many processes compete for each processor, at least 1: the average of the last minute (proc_loadavg(5)), which counts
 * those that wait for a disk too, or those of this moment, if they are more.
 * @param loadavg the text of /proc/loadavg
 */
export function loadFactor(
  loadavg = Deno.readTextFileSync("/proc/loadavg"),
  processors = navigator.hardwareConcurrency,
): number {
  const [average = "", , , running = ""] = loadavg.split(" ");
  // The one that asks runs itself.
  const competing = Math.max(Number(average), Number.parseInt(running) - 1);
  return Math.min(LARGEST_FACTOR, Math.max(1, competing / processors));
}

/** What a deadline goes by; tests hand in others. */
export interface DeadlineClock {
  readonly nowMs: () => number;
  readonly factor: () => number;
}

const REAL: DeadlineClock = { nowMs: () => performance.now(), factor: () => loadFactor() };

/** A limit that begins now. See the module's comment. */
export class Deadline {
  /** As given, for a machine with nothing else to do. */
  readonly limitMs: number;
  readonly #clock: DeadlineClock;
  #usedMs = 0;
  #countedMs: number;

  constructor(limitMs: number, clock = REAL) {
    this.limitMs = limitMs;
    this.#clock = clock;
    this.#countedMs = clock.nowMs();
  }

  /** What of the limit is left; as time passes, at least so long. */
  get remainingMs(): number {
    const now = this.#clock.nowMs();
    this.#usedMs += (now - this.#countedMs) / this.#clock.factor();
    this.#countedMs = now;
    return Math.max(0, this.limitMs - this.#usedMs);
  }

  get isOver(): boolean {
    return this.remainingMs === 0;
  }

  /** Calls back once the limit has passed, unless it is disposed of before. */
  whenOver(callback: () => void): Disposable {
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      const { remainingMs } = this;
      if (remainingMs === 0) callback();
      else timer = setTimeout(look, Math.min(remainingMs, LOOK_MS));
    };
    timer = setTimeout(look, Math.min(this.limitMs, LOOK_MS));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }
}

/** Between two looks, in ms. */
const POLL_MS = 20;

/** Asks until the answer is true. @param limitMs see {@link Deadline} @throws Error with `what` at the deadline */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  await untilNone(async () => await check() ? [] : [what], limitMs);
}

/** Asks until nothing is wrong any more. @throws Error with what is still wrong at the deadline */
export async function untilNone(check: () => Promise<readonly string[]>, limitMs = 15_000): Promise<void> {
  const startedMs = performance.now();
  const deadline = new Deadline(limitMs);
  for (;;) {
    const problems = await check();
    if (problems.length === 0) return;
    if (deadline.isOver) {
      throw new Error(`Waited ${Math.round(performance.now() - startedMs)} ms for: ${problems.join("; ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
