/**
 * @module
 * The sequence number of a log's current file. Files are renamed when a log rotates (`x`, `x.1`, `x.2`, …), so readers
 * identify them by sequence number instead: the n-th file that the log ever had keeps its number. The numbers are in
 * memory shared between the log Worker, which renames files, and the engine's thread, which reads them (a seqlock).
 */

/** Cells of the shared memory. */
const CHANGES = 0;
const NEWEST = 1;
const CELLS = 2;
/** Interval at which a reader polls while a rename is in progress, in ms. */
const RENAME_WAIT_MS = 1;

/** The sequence numbers of one log. Each side has its own object on the same memory. */
export class FileSequence {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory = new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new Int32Array(memory);
  }

  /** The sequence number of the current file. The file before it has the preceding number and the suffix `.1`. */
  get newest(): number {
    return Atomics.load(this.#cells, NEWEST);
  }

  /** Runs `rename`, which adds `added` files; readers wait meanwhile. For the Worker only. */
  change(added: number, rename: () => void): void {
    Atomics.add(this.#cells, CHANGES, 1);
    try {
      rename();
    } finally {
      Atomics.add(this.#cells, NEWEST, added);
      Atomics.add(this.#cells, CHANGES, 1);
    }
  }

  /**
   * Returns the result of `open`, which is repeated until no rename happened during the call.
   * @param open opens files, given the sequence number of the current file
   * @param discard disposes of the results of the other attempts
   */
  async readConsistently<T>(open: (newest: number) => Promise<T>, discard: (opened: T) => void): Promise<T> {
    for (;;) {
      const before = Atomics.load(this.#cells, CHANGES);
      if (before % 2 === 0) {
        const opened = await open(this.newest);
        if (Atomics.load(this.#cells, CHANGES) === before) return opened;
        discard(opened);
      } else await new Promise((resolve) => setTimeout(resolve, RENAME_WAIT_MS));
    }
  }
}
