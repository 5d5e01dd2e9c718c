/**
 * Displays a pull on a terminal: each layer has a line that is redrawn in position. Loaded only if output is a terminal.
 */
import type { ProgressMessage } from "../../api_types/mod.ts";
import { humanDuration, humanSize, printableLine, type TerminalSize } from "../../cli/mod.ts";

const CLEAR_LINE = "\x1b[2K";
const BAR_WIDTH = 25;
/** The width that a terminal must exceed to have a progress bar. */
const MIN_WIDTH_FOR_BAR = 70;
/** The time in ms after which a rate is meaningful. */
const MIN_RATED_MS = 500;

/** The time of a layer's first progress message, and its progress then. */
interface Start {
  readonly atMs: number;
  readonly bytes: number;
}

export interface PullBoardOptions {
  write(text: string): Promise<void>;
  /** Returns the terminal's size. Called for each line, because windows are resized. */
  size(): TerminalSize;
  /** Returns a monotonic time in ms. */
  now(): number;
}

/** Displays the messages of one pull. Calls must be sequential. */
export class PullBoard {
  readonly #options: PullBoardOptions;
  /** The positions of the layers' lines, counted from the first. */
  readonly #positions = new Map<string, number>();
  readonly #starts = new Map<string, Start>();

  constructor(options: PullBoardOptions) {
    this.#options = options;
  }

  async show(message: ProgressMessage): Promise<void> {
    const { id, status, stream } = message;
    const { write, size } = this.#options;
    const { rows, columns } = size();
    const text = stream ?? `${id ? `${id}: ` : ""}${status ?? ""}`;
    if (!id) {
      // Lines above a message without id are not redrawn any more.
      this.#positions.clear();
      return await write(`${clipped(printableLine(text.trimEnd()), columns)}\r\n`);
    }
    const line = clipped(printableLine(text) + this.#progress(id, message, columns), columns);
    const position = this.#positions.get(id);
    if (position === undefined) {
      this.#positions.set(id, this.#positions.size);
      return await write(`${CLEAR_LINE}\r${line}\r\n`);
    }
    const up = this.#positions.size - position;
    // Lines that were scrolled off the screen can't be redrawn.
    if (up >= rows) return;
    await write(`\x1b[${up}A${CLEAR_LINE}\r${line}\r\x1b[${up}B`);
  }

  /** Formats progress as ` [====>    ]  1.5MB/3MB  1MB/s  2 seconds remaining`, as far as it is known and fits. */
  #progress(id: string, { progressDetail }: ProgressMessage, columns: number): string {
    const { current = 0, total = 0 } = progressDetail ?? {};
    if (current <= 0) {
      this.#starts.delete(id);
      return "";
    }
    const bar = total > 0 && columns > MIN_WIDTH_FOR_BAR ? ` ${barOf(current / total)}` : "";
    const amount = ` ${humanSize(current, 3)}${total > 0 ? `/${humanSize(total, 3)}` : ""}`;
    return `${bar} ${amount}${this.#rate(id, current, total)}`;
  }

  #rate(id: string, current: number, total: number): string {
    const now = this.#options.now();
    const start = this.#starts.get(id);
    if (start === undefined) this.#starts.set(id, { atMs: now, bytes: current });
    if (start === undefined || now - start.atMs < MIN_RATED_MS || current <= start.bytes) return "";
    const perMs = (current - start.bytes) / (now - start.atMs);
    const remaining = total > current ? `  ${humanDuration((total - current) / perMs).toLowerCase()} left` : "";
    return `  ${humanSize(perMs * 1000, 3)}/s${remaining}`;
  }
}

function barOf(share: number): string {
  const done = Math.min(BAR_WIDTH, Math.floor(share * BAR_WIDTH));
  return `[${`${"=".repeat(done)}>`.padEnd(BAR_WIDTH + 1)}]`;
}

/** Truncates a line so that it doesn't wrap. */
const clipped = (line: string, columns: number): string => [...line].slice(0, Math.max(1, columns - 1)).join("");
