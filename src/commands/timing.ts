/**
 * @module
 * `--timing`: where the time of a command went, from the start of the process on. What a run can't do without on the
 * machine that this was measured on: 23 ms for Deno's start, 48 ms for runc's create, start and delete.
 */
import { processAgeMs } from "../cli/process_age.ts";
import { type RequestObserver, type TimedAnswer, TimedTransport } from "../client/timed_transport.ts";
import type { CommandContext } from "./context.ts";

/** A line of the table. */
export interface TimingRow {
  readonly name: string;
  readonly ms: number;
  /** It is a part of the row above it that is none. */
  readonly isPart?: boolean;
}

/** Divides the time of a command into phases without gaps. */
export class PhaseClock implements RequestObserver {
  readonly #rows: TimingRow[] = [];
  readonly #now: () => number;
  #answers: TimedAnswer[] = [];
  #connected = false;
  #startMs: number;
  #lastMs: number;

  /** `startMs`: when the process was started, by the clock `now`. */
  constructor(startMs: number, now: () => number = () => performance.now()) {
    this.#startMs = startMs;
    this.#lastMs = startMs;
    this.#now = now;
  }

  /** Ends a phase that began with the one before. */
  lap(name: string): void {
    const nowMs = this.#now();
    const ms = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#rows.push({ name, ms }, ...this.#parts(ms));
    this.#answers = [];
  }

  connected(): void {
    if (!this.#connected) this.lap("connect");
    this.#connected = true;
  }

  answered(answer: TimedAnswer): void {
    this.#answers.push(answer);
  }

  /** All phases in their order and their sum. */
  get rows(): readonly TimingRow[] {
    return [...this.#rows, { name: "total", ms: this.#lastMs - this.#startMs }];
  }

  /** Where one request made up most of the phase: what the engine tells of it. Several at once would overlap. */
  #parts(ms: number): TimingRow[] {
    const [answer] = this.#answers;
    const engine = answer?.phases.find(({ name }) => name === "engine");
    if (this.#answers.length !== 1 || answer === undefined || engine === undefined || answer.ms < ms / 2) return [];
    const steps = answer.phases.filter((phase) => phase !== engine);
    const known = steps.reduce((sum, phase) => sum + phase.ms, 0);
    const parts = [
      ...steps,
      { name: steps.length === 0 ? "engine" : "engine, the rest", ms: engine.ms - known },
      { name: "request and answer", ms: answer.ms - engine.ms },
      { name: "client", ms: ms - answer.ms },
    ];
    // Each was rounded by itself.
    return parts.map(({ name, ms }) => ({ name, ms: Math.max(0, ms), isPart: true }));
  }
}

/** A command with a {@link PhaseClock}; the table comes after everything else that it says, but for an error. */
export async function runTimed(
  context: CommandContext,
  command: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const ageMs = context.terminal.host?.clientAgeMs() ?? processAgeMs();
  const clock = new PhaseClock(performance.now() - ageMs);
  clock.lap("client start");
  try {
    return await command({ ...context, clock, engine: new TimedTransport(context.engine, clock) });
  } catch (thrown) {
    clock.lap("until the failure");
    throw thrown;
  } finally {
    await context.terminal.err(renderTiming(clock.rows));
  }
}

/** Names to the left, numbers to the right, parts indented. */
export function renderTiming(rows: readonly TimingRow[]): string {
  const lines = rows.map(({ name, ms, isPart }) => [isPart ? `  ${name}` : name, ms.toFixed(1)] as const);
  const heading = ["phase", "ms"] as const;
  const widths = [0, 1].map((column) => Math.max(...[heading, ...lines].map((line) => line[column]!.length)));
  return [heading, ...lines].map(([name, ms]) => `${name.padEnd(widths[0]!)}  ${ms.padStart(widths[1]!)}\n`).join("");
}
