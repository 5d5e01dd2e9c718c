/**
 * @module
 * A plugin's log: a text file of bounded size, one line each. A plugin that says too much loses lines, which is said.
 */
import { dirname } from "node:path";

/** Size at which a file is put aside for a new one; there are two at most. */
const FILE_BYTES = 1 << 20;
/** Lines that are kept within a second. */
const LINES_PER_SECOND = 200;
const SECOND_MS = 1000;

/** See the module's comment. */
export class PluginLog {
  readonly #file: string;
  readonly #nowMs: () => number;
  readonly #failed: (thrown: unknown) => void;
  #window = { fromMs: 0, lines: 0 };

  /** @param failed told when a line can't be written */
  constructor(file: string, nowMs: () => number = Date.now, failed: (thrown: unknown) => void = () => {}) {
    this.#file = file;
    this.#nowMs = nowMs;
    this.#failed = failed;
  }

  write(level: string, message: string): void {
    const nowMs = this.#nowMs();
    const lost = this.#admit(nowMs);
    if (lost === undefined) return;
    try {
      if (lost > 0) this.#append(nowMs, "warn", `(${lost} more lines in a second were dropped)`);
      this.#append(nowMs, level, message);
    } catch (thrown) {
      // A full disk costs lines, and not the answer that comes behind them.
      this.#failed(thrown);
    }
  }

  /** The last lines, oldest first. */
  async read(lines: number): Promise<string[]> {
    const texts = await Promise.all(
      [`${this.#file}.1`, this.#file].map((file) => Deno.readTextFile(file).catch(ifMissing)),
    );
    return texts.join("").split("\n").filter((line) => line !== "").slice(-lines);
  }

  remove(): void {
    for (const file of [`${this.#file}.1`, this.#file]) {
      try {
        Deno.removeSync(file);
      } catch (thrown) {
        ifMissing(thrown);
      }
    }
  }

  /** How many lines were lost before this one; undefined: it is lost too. */
  #admit(nowMs: number): number | undefined {
    const { fromMs, lines } = this.#window;
    if (nowMs - fromMs < SECOND_MS) {
      this.#window.lines++;
      return lines < LINES_PER_SECOND ? 0 : undefined;
    }
    this.#window = { fromMs: nowMs, lines: 1 };
    return Math.max(lines - LINES_PER_SECOND, 0);
  }

  #append(atMs: number, level: string, message: string): void {
    // One record is one line, whatever is in it.
    const line = `${new Date(atMs).toISOString()} ${level} ${JSON.stringify(message).slice(1, -1)}\n`;
    Deno.mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    if (sizeOf(this.#file) + line.length > FILE_BYTES) Deno.renameSync(this.#file, `${this.#file}.1`);
    Deno.writeTextFileSync(this.#file, line, { append: true, mode: 0o600 });
  }
}

function sizeOf(file: string): number {
  try {
    return Deno.statSync(file).size;
  } catch (thrown) {
    ifMissing(thrown);
    return 0;
  }
}

function ifMissing(thrown: unknown): string {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  return "";
}
