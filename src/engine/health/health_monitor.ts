/**
 * @module
 * Watches the health of one running container, with Docker's rules: probes come one after another, an interval apart; one
 * success makes it healthy, so many failures in a row unhealthy; in the start period failures don't count.
 */
import { toTsdError } from "../../errors.ts";
import { goDuration } from "../../units.ts";
import type { Clock } from "../../async/clock.ts";
import type { HealthPlan } from "../model/health_config.ts";
import { MAX_OUTPUT_BYTES, type Probe, type ProbeResult } from "./probe.ts";

/** Results that are kept. */
const MAX_RESULTS = 5;
/** How long it may take until a probe's command runs, in ms: that time isn't the command's. */
const START_LIMIT_MS = 30_000;
/** The exit code of a probe that has none: it was killed, or never ran. */
const NO_EXIT_CODE = -1;

/** One result. Times are Unix times in ms. */
export interface HealthResult {
  readonly startMs: number;
  readonly endMs: number;
  readonly exitCode: number;
  readonly output: string;
}

/** A container's health. Plain JSON. */
export interface HealthState {
  readonly status: "starting" | "healthy" | "unhealthy";
  readonly failingStreak: number;
  /** The last five, oldest first. */
  readonly log: readonly HealthResult[];
}

export interface HealthMonitorOptions {
  readonly plan: HealthPlan;
  readonly probe: Probe;
  readonly clock: Clock;
  /** When the container was started: Unix time in ms. */
  readonly startedMs: number;
  /** The health so far. */
  readonly state: HealthState;
  /** Told of every result; it must not throw. */
  readonly onResult: (state: HealthState, before: HealthState) => void;
}

/** The health of a container that has just started; results of former runs stay. */
export function freshHealth(former?: HealthState): HealthState {
  return { status: "starting", failingStreak: 0, log: former?.log ?? [] };
}

/** See the module's comment. It does nothing before {@link resume}. */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  #state: HealthState;
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#state = options.state;
  }

  get state(): HealthState {
    return this.#state;
  }

  /** Probes from now on, first after an interval. */
  resume(): void {
    if (this.#running !== undefined) return;
    const stop = new AbortController();
    this.#running = { stop, ended: this.#loop(stop.signal) };
  }

  /** Probes no more. A probe under way is killed, its result doesn't count; resolves when it is gone. */
  async pause(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    await running?.ended;
  }

  async #loop(stop: AbortSignal): Promise<void> {
    while (await this.#waited(stop)) {
      const result = await this.#probeOnce(stop);
      if (stop.aborted) return;
      this.#take(result);
    }
  }

  /** Waits for the next probe's time; false when there is none. */
  #waited(stop: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = () => resolve(false);
    stop.addEventListener("abort", giveUp);
    const alarm = this.#options.clock.after(this.#intervalMs(), () => resolve(true));
    return promise.finally(() => {
      alarm[Symbol.dispose]();
      stop.removeEventListener("abort", giveUp);
    });
  }

  #intervalMs(): number {
    const { plan, clock, startedMs } = this.#options;
    const isEarly = this.#state.status === "starting" && clock.now() - startedMs < plan.startPeriodMs;
    return isEarly ? plan.startIntervalMs : plan.intervalMs;
  }

  async #probeOnce(stop: AbortSignal): Promise<HealthResult> {
    const { probe, plan, clock } = this.#options;
    const startMs = clock.now();
    const abort = new AbortController();
    stop.addEventListener("abort", () => abort.abort(), { once: true, signal: abort.signal });
    let late: string | undefined;
    const limit = (ms: number, why: string) =>
      clock.after(ms, () => {
        late = why;
        abort.abort();
      });
    let deadline = limit(START_LIMIT_MS, "timed out starting health check");
    const started = () => {
      deadline[Symbol.dispose]();
      deadline = limit(plan.timeoutMs, `Health check exceeded timeout (${goDuration(plan.timeoutMs)})`);
    };
    const { exitCode, output } = await settledProbe(() => probe(abort.signal, started));
    deadline[Symbol.dispose]();
    abort.abort();
    if (late === undefined) return { startMs, endMs: clock.now(), exitCode, output };
    return {
      startMs,
      endMs: clock.now(),
      exitCode: NO_EXIT_CODE,
      output: output === "" ? late : `${late}: ${output}`,
    };
  }

  #take(result: HealthResult): void {
    const before = this.#state;
    const log = [...before.log, result].slice(-MAX_RESULTS);
    this.#state = result.exitCode === 0
      ? { status: "healthy", failingStreak: 0, log }
      : { ...this.#afterFailure(before, result), log };
    this.#options.onResult(this.#state, before);
  }

  #afterFailure({ status, failingStreak }: HealthState, { startMs }: HealthResult) {
    const { plan, startedMs } = this.#options;
    if (status === "starting" && startMs - startedMs < plan.startPeriodMs) return { status, failingStreak };
    const streak = failingStreak + 1;
    return { status: streak >= plan.retries ? "unhealthy" : status, failingStreak: streak } as const;
  }
}

/** A probe that couldn't be run is one that failed. */
async function settledProbe(run: () => Promise<ProbeResult>): Promise<ProbeResult> {
  try {
    return await run();
  } catch (thrown) {
    return { exitCode: NO_EXIT_CODE, output: toTsdError(thrown).message.slice(0, MAX_OUTPUT_BYTES) };
  }
}
