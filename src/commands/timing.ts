/**
 * @module
 * `--timing`: the time that each phase of a command took, from the start of the process. The unavoidable part of a `run`, on
 * the machine used for measurement: 23 ms for Deno's startup, 48 ms for runc's create, start and delete.
 */
import { processAgeMs } from "../cli/process_age.ts";
import { Client } from "../client/client.ts";
import { type RequestObserver, type TimedAnswer, TimedTransport } from "../client/timed_transport.ts";
import type { CommandContext } from "./context.ts";

/** A row of the table. */
export interface TimingRow {
  readonly name: string;
  readonly ms: number;
  /** True for a part of the nearest preceding row that is not a part. */
  readonly isPart?: boolean;
}

/** Divides the time of a command into consecutive phases without gaps. */
export class PhaseClock implements RequestObserver {
  readonly #rows: TimingRow[] = [];
  readonly #now: () => number;
  #answers: TimedAnswer[] = [];
  #connected = false;
  #startMs: number;
  #lastMs: number;

  /** @param startMs the start of the process in ms, on the clock `now` */
  constructor(startMs: number, now: () => number = () => performance.now()) {
    this.#startMs = startMs;
    this.#lastMs = startMs;
    this.#now = now;
  }

  /** Ends the current phase under this name and starts the next one. */
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

  /** All phases in order, and their total. */
  get rows(): readonly TimingRow[] {
    return [...this.#rows, { name: "total", ms: this.#lastMs - this.#startMs }];
  }

  /**
   * Returns the phases that the engine reported, if a single request took most of this phase. The times of concurrent
   * requests would overlap.
   */
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
    // Rounding can make differences negative.
    return parts.map(({ name, ms }) => ({ name, ms: Math.max(0, ms), isPart: true }));
  }
}

/** Runs a command with a {@link PhaseClock}. The table is printed after all of the command's output except errors. */
export async function runTimed(
  context: CommandContext,
  command: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const ageMs = context.terminal.host?.clientAgeMs() ?? processAgeMs();
  const clock = new PhaseClock(performance.now() - ageMs);
  clock.lap("client start");
  try {
    return await command({
      ...context,
      clock,
      engine: new Client(new TimedTransport(context.engine.transport, clock)),
    });
  } catch (thrown) {
    clock.lap("until the failure");
    throw thrown;
  } finally {
    await context.terminal.err(renderTiming(clock.rows));
  }
}

/** Renders the table: names left-aligned, numbers right-aligned, parts indented. */
export function renderTiming(rows: readonly TimingRow[]): string {
  const lines = rows.map(({ name, ms, isPart }) => [isPart ? `  ${name}` : name, ms.toFixed(1)] as const);
  const heading = ["phase", "ms"] as const;
  const widths = [0, 1].map((column) => Math.max(...[heading, ...lines].map((line) => line[column]!.length)));
  return [heading, ...lines].map(([name, ms]) => `${name.padEnd(widths[0]!)}  ${ms.padStart(widths[1]!)}\n`).join("");
}
