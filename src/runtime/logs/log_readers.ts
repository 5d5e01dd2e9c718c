/**
 * @module
 * Who reads which log. Reading goes by the files themselves (see `FileSequence`); the log Worker only has to know which of
 * them are still needed, so that it removes none of them.
 */
import { FileSequence } from "./file_sequence.ts";
import type { ReaderNeed } from "./protocol.ts";

/** One reader of a log. Dispose of it when nothing more is read. */
export interface LogLease extends Disposable {
  readonly sequence: FileSequence;
  /**
   * The reader has this file open and needs all newer ones; a writer who wants to remove one of those waits. This one too,
   * as long as there are others: what is removed and still open needs room on the disk.
   */
  need(sequence: number): void;
  /** Nothing is needed for now: the reader is slow, and must not hold up the container. */
  letGo(): void;
}

interface ReadLog {
  readonly sequence: FileSequence;
  readonly needs: Map<number, number | undefined>;
  isWritten: boolean;
}

/** See the module's comment. */
export class LogReaders {
  readonly #tell: (key: string, need: ReaderNeed) => void;
  readonly #logs = new Map<string, ReadLog>();
  #lastReader = 0;

  /** `tell` is called whenever a reader of a log that is written needs something else. */
  constructor(tell: (key: string, need: ReaderNeed) => void) {
    this.#tell = tell;
  }

  /** A writer begins; returns what it has to know. */
  write(key: string): { sequence: SharedArrayBuffer; needs: ReaderNeed[] } {
    const log = this.#log(key);
    log.isWritten = true;
    const needs = Array.from(log.needs, ([reader, sequence]) => ({ reader, sequence }));
    return { sequence: log.sequence.memory, needs };
  }

  /** The writer has ended. */
  written(key: string): void {
    const log = this.#logs.get(key);
    if (log === undefined) return;
    log.isWritten = false;
    this.#forget(key, log);
  }

  lease(key: string): LogLease {
    const log = this.#log(key);
    const reader = ++this.#lastReader;
    const set = (sequence: number | undefined) => {
      if (!log.needs.has(reader) || log.needs.get(reader) === sequence) return;
      log.needs.set(reader, sequence);
      if (log.isWritten) this.#tell(key, { reader, sequence });
    };
    log.needs.set(reader, undefined);
    return {
      sequence: log.sequence,
      need: set,
      letGo: () => set(undefined),
      [Symbol.dispose]: () => {
        set(undefined);
        log.needs.delete(reader);
        this.#forget(key, log);
      },
    };
  }

  #log(key: string): ReadLog {
    let log = this.#logs.get(key);
    if (log === undefined) {
      log = { sequence: new FileSequence(), needs: new Map(), isWritten: false };
      this.#logs.set(key, log);
    }
    return log;
  }

  #forget(key: string, log: ReadLog): void {
    if (!log.isWritten && log.needs.size === 0 && this.#logs.get(key) === log) this.#logs.delete(key);
  }
}
