/**
 * A pull on a terminal: a line for each layer, drawn anew in its place. Loaded where output is a terminal.
 */
import type { ProgressMessage } from "../../api_types/mod.ts";
import { humanDuration, humanSize, printableLine, type TerminalSize } from "../../cli/mod.ts";

const CLEAR_LINE = "\x1b[2K";
const BAR_WIDTH = 25;
/** A bar needs a terminal that is wider. */
const MIN_WIDTH_FOR_BAR = 70;
/** A rate says nothing before. */
const MIN_RATED_MS = 500;

/** When a layer's progress was first told, and how far it was then. */
interface Start {
  readonly atMs: number;
  readonly bytes: number;
}

export interface PullBoardOptions {
  write(text: string): Promise<void>;
  /** Asked for each line, because windows change. */
  size(): TerminalSize;
  /** In ms. */
  now(): number;
}

/** Draws the messages of one pull, one after the other. */
export class PullBoard {
  readonly #options: PullBoardOptions;
  /** Places of the lines, counted from the first. */
  readonly #places = new Map<string, number>();
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
      // Lines above one that has no place of its own are finished.
      this.#places.clear();
      return await write(`${clipped(printableLine(text.trimEnd()), columns)}\r\n`);
    }
    const line = clipped(printableLine(text) + this.#progress(id, message, columns), columns);
    const place = this.#places.get(id);
    if (place === undefined) {
      this.#places.set(id, this.#places.size);
      return await write(`${CLEAR_LINE}\r${line}\r\n`);
    }
    const up = this.#places.size - place;
    // What has left the screen can't be reached.
    if (up >= rows) return;
    await write(`\x1b[${up}A${CLEAR_LINE}\r${line}\r\x1b[${up}B`);
  }

  /** ` [====>    ]  1.5MB/3MB  1MB/s  2 seconds`, as much of it as is known and fits. */
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
    const left = total > current ? `  ${humanDuration((total - current) / perMs).toLowerCase()} left` : "";
    return `  ${humanSize(perMs * 1000, 3)}/s${left}`;
  }
}

function barOf(share: number): string {
  const done = Math.min(BAR_WIDTH, Math.floor(share * BAR_WIDTH));
  return `[${`${"=".repeat(done)}>`.padEnd(BAR_WIDTH + 1)}]`;
}

/** So that no line takes two. */
const clipped = (line: string, columns: number): string => [...line].slice(0, Math.max(1, columns - 1)).join("");
