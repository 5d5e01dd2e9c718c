/**
 * @module
 * Tracks the readers of each log. Readers open the files directly (see `FileSequence`); the log Worker only has to know
 * which files are still needed, so that it doesn't remove them.
 */
import { FileSequence } from "./file_sequence.ts";
import type { ReaderNeed } from "./protocol.ts";

/** The registration of one reader of a log. Dispose of it to unregister. */
export interface LogLease extends Disposable {
  readonly sequence: FileSequence;
  /**
   * Declares that the reader has this file open and needs all newer ones. The writer waits instead of removing one of
   * them. It also retains this file, unless it is the only one: a removed file that is still open occupies disk space.
   */
  need(sequence: number): void;
  /** Declares that the reader needs no file at present: it is slow and must not block the container. */
  release(): void;
}

interface ReadLog {
  readonly sequence: FileSequence;
  readonly needs: Map<number, number | undefined>;
  isWritten: boolean;
}

/** The readers of all logs, by key. */
export class LogReaders {
  readonly #notify: (key: string, need: ReaderNeed) => void;
  readonly #logs = new Map<string, ReadLog>();
  #lastReader = 0;

  /** @param notify called whenever the needs of a reader change, for logs with an active writer */
  constructor(notify: (key: string, need: ReaderNeed) => void) {
    this.#notify = notify;
  }

  /** Registers the writer of a log. Returns the memory of the file sequence and the needs of current readers. */
  registerWriter(key: string): { sequence: SharedArrayBuffer; needs: ReaderNeed[] } {
    const log = this.#log(key);
    log.isWritten = true;
    const needs = Array.from(log.needs, ([reader, sequence]) => ({ reader, sequence }));
    return { sequence: log.sequence.memory, needs };
  }

  /** Unregisters the writer of a log. */
  unregisterWriter(key: string): void {
    const log = this.#logs.get(key);
    if (log === undefined) return;
    log.isWritten = false;
    this.#removeIfUnused(key, log);
  }

  /** Registers a reader of a log, which needs no file until it calls {@link LogLease.need}. */
  lease(key: string): LogLease {
    const log = this.#log(key);
    const reader = ++this.#lastReader;
    const set = (sequence: number | undefined) => {
      if (!log.needs.has(reader) || log.needs.get(reader) === sequence) return;
      log.needs.set(reader, sequence);
      if (log.isWritten) this.#notify(key, { reader, sequence });
    };
    log.needs.set(reader, undefined);
    return {
      sequence: log.sequence,
      need: set,
      release: () => set(undefined),
      [Symbol.dispose]: () => {
        set(undefined);
        log.needs.delete(reader);
        this.#removeIfUnused(key, log);
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

  #removeIfUnused(key: string, log: ReadLog): void {
    if (!log.isWritten && log.needs.size === 0 && this.#logs.get(key) === log) this.#logs.delete(key);
  }
}
