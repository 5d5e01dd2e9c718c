/**
 * @module
 * Which file of a log is the newest one. Files are renamed when a log rotates (`x`, `x.1`, `x.2`, …), so readers name them
 * by sequence number instead: the n-th file that the log ever had keeps its number for ever. The numbers are in memory
 * that the log Worker, which renames, shares with the engine's thread, which reads.
 */

/** Cells of the shared memory. */
const CHANGES = 0;
const NEWEST = 1;
const CELLS = 2;
/** How long a reader waits for a rename under way, in ms. */
const RENAME_WAIT_MS = 1;

/** See the module's comment. Both sides have an object of their own on the same memory. */
export class FileSequence {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory = new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new Int32Array(memory);
  }

  /** The number of the file that is written to. The one before it has one less, and `.1` behind its name. */
  get newest(): number {
    return Atomics.load(this.#cells, NEWEST);
  }

  /** Runs `rename`, after which there are `added` more files; readers wait meanwhile. For the Worker only. */
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
   * What `open` gives for the newest number that it is told, tried again until no rename came in between. `discard` takes
   * back what came of the other tries.
   */
  async whileStill<T>(open: (newest: number) => Promise<T>, discard: (opened: T) => void): Promise<T> {
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
