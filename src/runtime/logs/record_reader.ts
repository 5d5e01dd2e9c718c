/**
 * @module
 * Reads the records of one log file, forwards and backwards, one block at a time.
 */
import type { OpenLogFile } from "./log_files.ts";
import { type LogRecord, RecordParser } from "./record_parser.ts";

const BLOCK_BYTES = 256 << 10;
const NEWLINE = 10;
/** Reads from the page cache don't yield to the event loop: requests and timers would wait for the whole log. */
const MAX_TURN_MS = 4;

/** Reads forwards from the file's position. Calls `onDamaged` for each line that is not a valid record. */
export class RecordReader {
  readonly #file: OpenLogFile;
  readonly #endBytes: number;
  readonly #onDamaged: () => void;
  readonly #parser = new RecordParser();
  #buffer = new Uint8Array(BLOCK_BYTES);
  /** `#start` to `#filled` of the buffer contain an incomplete line. */
  #start = 0;
  #filled = 0;
  #turnMs = performance.now();

  /** @param endBytes position in the file at which reading stops; by default at its end */
  constructor(file: OpenLogFile, onDamaged: () => void, endBytes = Infinity) {
    this.#file = file;
    this.#onDamaged = onDamaged;
    this.#endBytes = endBytes;
  }

  /** Returns the next records, valid until the next call; undefined at the current end. @throws {TsdError} storage */
  async next(): Promise<LogRecord[] | undefined> {
    for (;;) {
      await this.#yieldIfDue();
      this.#buffer.copyWithin(0, this.#start, this.#filled);
      this.#filled -= this.#start;
      this.#start = 0;
      if (this.#filled === this.#buffer.length) this.#grow();
      const count = await this.#read();
      if (count === 0) return undefined;
      const records = this.#takeLines(this.#filled, this.#filled + count);
      if (records.length > 0) return records;
    }
  }

  /**
   * Seeks backwards if the file was truncated after its end was reached. Either the Worker removed an incomplete record
   * (the disk is full), or another program emptied the file.
   */
  async followCut(): Promise<void> {
    const sizeBytes = await this.#file.size();
    const { position } = this.#file;
    if (sizeBytes >= position) return;
    const lineStart = position - (this.#filled - this.#start);
    await this.#file.seek(sizeBytes < lineStart ? 0 : lineStart);
    this.#start = this.#filled = 0;
  }

  async #yieldIfDue(): Promise<void> {
    if (performance.now() - this.#turnMs < MAX_TURN_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.#turnMs = performance.now();
  }

  #read(): Promise<number> {
    const room = Math.min(this.#buffer.length - this.#filled, this.#endBytes - this.#file.position);
    return room <= 0 ? Promise.resolve(0) : this.#file.read(this.#buffer.subarray(this.#filled, this.#filled + room));
  }

  #grow(): void {
    const larger = new Uint8Array(this.#buffer.length * 2);
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  #takeLines(searchFrom: number, filled: number): LogRecord[] {
    const records: LogRecord[] = [];
    const bytes = this.#buffer.subarray(0, filled);
    for (let end = bytes.indexOf(NEWLINE, searchFrom); end >= 0; end = bytes.indexOf(NEWLINE, this.#start)) {
      const record = this.#parser.parse(bytes.subarray(this.#start, end));
      if (record === undefined) this.#onDamaged();
      else records.push(record);
      this.#start = end + 1;
    }
    this.#filled = filled;
    return records;
  }
}

/**
 * Calls `visit` with the records of the first `endBytes` bytes, last one first, until it returns true. Not for
 * compressed files.
 * @returns the position of the record for which `visit` returned true; undefined if there was none
 */
export async function findBackwards(
  file: OpenLogFile,
  endBytes: number,
  visit: (record: LogRecord) => boolean,
): Promise<number | undefined> {
  const parser = new RecordParser();
  let later: Uint8Array = new Uint8Array();
  for (let start = endBytes; start > 0;) {
    const size = Math.min(BLOCK_BYTES, start);
    start -= size;
    const bytes = new Uint8Array(size + later.length);
    await file.seek(start);
    await readFully(file, bytes.subarray(0, size));
    bytes.set(later, size);
    // The first bytes belong to a line that begins in an earlier block, unless this is the first one.
    const first = start === 0 ? -1 : bytes.indexOf(NEWLINE);
    let stop = bytes.lastIndexOf(NEWLINE);
    while (stop > first) {
      const before = stop === 0 ? -1 : bytes.lastIndexOf(NEWLINE, stop - 1);
      const record = parser.parse(bytes.subarray(before + 1, stop));
      if (record !== undefined && visit(record)) return start + before + 1;
      stop = before;
    }
    later = first < 0 ? bytes : bytes.slice(0, first + 1);
  }
  return undefined;
}

/** Fills `buffer` from the file. If the file was truncated, the rest stays zero, which is no valid record. */
async function readFully(file: OpenLogFile, buffer: Uint8Array): Promise<void> {
  for (let at = 0; at < buffer.length;) {
    const count = await file.read(buffer.subarray(at));
    if (count === 0) return;
    at += count;
  }
}
