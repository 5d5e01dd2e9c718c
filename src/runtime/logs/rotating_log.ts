/**
 * @module
 * The files of one log, written by the log Worker. A full file is rotated (`x` → `x.1` → `x.2` …) between two records
 * and the oldest file is removed, so that all files together never exceed `maxSizeBytes × maxFiles`. A file that a
 * reader still needs is not removed: the log is then *held*, and its writer must wait. If a crash interrupts a
 * rotation, the files are put in order when the log is opened the next time. Files that
 * another program removes are skipped, and a new file replaces the current one if it was removed.
 */
import { dirname } from "node:path";
import { TsdError } from "../../errors.ts";
import { storageError } from "../../io/mod.ts";
import type { FileSequence } from "./file_sequence.ts";
import type { RecordSink } from "./json_lines.ts";
import { compressionName, listLog, logName } from "./log_names.ts";
import { inodeOf, removeIfExists, renameIfExists } from "../../io/if_exists.ts";
import type { LogSpec } from "./protocol.ts";

/** A rotated file. */
export interface RotatedFile {
  readonly sequence: number;
  sizeBytes: number;
  compressed: boolean;
}

const NEWLINE = 10;
const TAIL_BLOCK_BYTES = 64 << 10;
const RETRY_MS = 250;
const FILE_MODE = 0o640;
const DIR_MODE = 0o710;
/** How often it is looked whether the file that is written to is still in its place. */
const LOOK_MS = 1000;

/** Writes one log. Disk errors are reported to `onLost`; records are then dropped and the container continues. */
export class RotatingLog implements RecordSink {
  readonly #spec: LogSpec;
  readonly #sequence: FileSequence;
  readonly #onLost: (error: TsdError) => void;
  readonly #checkIntervalMs: number;
  /** When it was last looked whether the file is in its place; see `performance.now`. */
  #checkedMs = -Infinity;
  /** Newest first. */
  #closed: RotatedFile[] = [];
  #file: Deno.FsFile | undefined;
  #sizeBytes = 0;
  #closedBytes = 0;
  #held = false;
  /** Time of the next attempt after a disk error, as of `performance.now`. */
  #retryMs = 0;
  /** By reader, the sequence number of the oldest file that it still needs. */
  readonly #needed = new Map<number, number>();

  /** @throws {TsdError} storage */
  constructor(spec: LogSpec, sequence: FileSequence, onLost: (error: TsdError) => void, lookMs = LOOK_MS) {
    this.#spec = spec;
    this.#sequence = sequence;
    this.#onLost = onLost;
    this.#checkIntervalMs = lookMs;
    this.#open();
  }

  get roomBytes(): number {
    return this.#held ? Infinity : this.#spec.maxSizeBytes - this.#sizeBytes;
  }

  get isEmpty(): boolean {
    return this.#sizeBytes === 0;
  }

  /** Whether the next rotation must wait for a reader. */
  get held(): boolean {
    return this.#held;
  }

  /** Rotated files, newest first. */
  get closed(): readonly RotatedFile[] {
    return this.#closed;
  }

  /** Total size of all files, in bytes. */
  get totalBytes(): number {
    return this.#sizeBytes + this.#closedBytes;
  }

  get spec(): LogSpec {
    return this.#spec;
  }

  /** Registers that a reader needs this file and all newer ones; undefined if it needs none any more. */
  need(reader: number, sequence: number | undefined): void {
    if (sequence === undefined) this.#needed.delete(reader);
    else this.#needed.set(reader, sequence);
    this.#held &&= this.#isOldestNeeded();
  }

  append(records: Uint8Array): void {
    this.#guarded(() => {
      this.#recreateIfRemoved();
      const file = this.#file ?? this.#open();
      try {
        for (let at = 0; at < records.length;) at += file.writeSync(records.subarray(at));
      } catch (thrown) {
        // An incomplete record would corrupt the next one.
        file.truncateSync(this.#sizeBytes);
        throw thrown;
      }
      this.#sizeBytes += records.length;
    });
  }

  rotate(): void {
    this.#guarded(() => {
      const file = this.#file ?? this.#open();
      const { size } = file.statSync();
      // Another program may have truncated the file.
      if (size < this.#sizeBytes) this.#sizeBytes = size;
      if (this.#sizeBytes === 0) return;
      this.#held = this.#isOldestNeeded();
      if (this.#held) return;
      this.#closeFile();
      this.#sequence.change(1, () => this.#renameAll());
    });
  }

  /** Removes all records written so far. Readers that have the current file open can still read it to its end. */
  clear(): void {
    this.#closeFile();
    this.#sequence.change(1, () => {
      const files = listLog(this.#spec.path);
      this.#setClosed([]);
      // Oldest first, so that a crash leaves the newer part.
      for (const { path } of files.reverse()) Deno.removeSync(path);
      this.#create();
    });
    this.#held = false;
  }

  /**
   * Replaces a file by its compressed form.
   * @param sizeBytes size of the compressed file
   * @param rename moves the compressed file to the second path and removes the file at the first path
   */
  replace(file: RotatedFile, sizeBytes: number, rename: (plain: string, compressed: string) => void): void {
    const age = this.#sequence.newest - file.sequence;
    rename(logName(this.#spec.path, age), logName(this.#spec.path, age, true));
    this.#closedBytes += sizeBytes - file.sizeBytes;
    file.sizeBytes = sizeBytes;
    file.compressed = true;
  }

  /** Returns the current path of a file. */
  pathOf({ sequence, compressed }: RotatedFile): string {
    return logName(this.#spec.path, this.#sequence.newest - sequence, compressed);
  }

  close(): void {
    this.#closeFile();
  }

  /** Starts a new file if the current one was removed or replaced. */
  #recreateIfRemoved(): void {
    const now = performance.now();
    if (this.#file === undefined || now - this.#checkedMs < this.#checkIntervalMs) return;
    this.#checkedMs = now;
    const { path } = this.#spec;
    if (inodeOf(path) === this.#file.statSync().ino) return;
    this.#closeFile();
    this.#sizeBytes = 0;
    this.#sequence.change(1, () => this.#renameAll());
    this.#onLost(new TsdError("storage", `The log ${path} was removed by another program; a new one was begun`));
  }

  /** Returns how many rotated files remain after the next rotation, not counting the new one. */
  #retainedCount(): number {
    return Math.min(this.#closed.length, Math.max(0, this.#spec.maxFiles - 2));
  }

  /** Returns whether a reader needs a file that the next rotation would remove. */
  #isOldestNeeded(): boolean {
    const { newest } = this.#sequence;
    // With `maxFiles` 1 the current file itself is removed; readers that need it have it open.
    const removed = this.#spec.maxFiles === 1 ? newest - 1 : this.#closed[this.#retainedCount()]?.sequence;
    if (removed === undefined) return false;
    for (const sequence of this.#needed.values()) if (sequence <= removed) return true;
    return false;
  }

  /** Renames the files, oldest first, so that a crash at any time leaves them in order. */
  #renameAll(): void {
    const { path, maxFiles } = this.#spec;
    const { newest } = this.#sequence;
    const retained: RotatedFile[] = [];
    const retainedCount = this.#retainedCount();
    for (const file of this.#closed.slice(retainedCount).reverse()) removeIfExists(this.pathOf(file));
    for (const file of this.#closed.slice(0, retainedCount).reverse()) {
      const to = logName(path, newest + 1 - file.sequence, file.compressed);
      if (renameIfExists(this.pathOf(file), to)) retained.unshift(file);
    }
    if (maxFiles === 1) removeIfExists(path);
    else if (renameIfExists(path, logName(path, 1))) {
      retained.unshift({ sequence: newest, sizeBytes: this.#sizeBytes, compressed: false });
    }
    this.#setClosed(retained);
    this.#create();
  }

  #setClosed(closed: RotatedFile[]): void {
    this.#closed = closed;
    this.#closedBytes = closed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  #create(): void {
    this.#file = openMaking(this.#spec.path, { append: true, createNew: true, mode: FILE_MODE });
    this.#sizeBytes = 0;
  }

  /** Puts the existing files in order, and opens the current file. */
  #open(): Deno.FsFile {
    const { path } = this.#spec;
    try {
      removeIfExists(compressionName(path));
      this.#sequence.change(0, () => this.#arrange());
      const file = openMaking(path, { append: true, read: true, create: true, mode: FILE_MODE });
      this.#file = file;
      this.#sizeBytes = endOfLastLine(file);
      file.truncateSync(this.#sizeBytes);
      return file;
    } catch (cause) {
      this.#closeFile();
      throw storageError(`Cannot open the log ${path}`, cause);
    }
  }

  /** Renumbers the files without gaps, and removes those that exceed `maxFiles`. */
  #arrange(): void {
    const { path, maxFiles } = this.#spec;
    const { newest } = this.#sequence;
    const closed: RotatedFile[] = [];
    let last = 0;
    for (const { age, compressed, path: from } of listLog(path)) {
      if (age === 0) continue;
      // Both forms exist: the engine was killed after compressing the file and before removing the original.
      if (age === last || closed.length + 1 >= maxFiles) {
        Deno.removeSync(from);
        continue;
      }
      last = age;
      const to = logName(path, closed.length + 1, compressed);
      if (to !== from) Deno.renameSync(from, to);
      const sizeBytes = Deno.statSync(to).size;
      closed.push({ sequence: newest - closed.length - 1, sizeBytes, compressed });
    }
    this.#setClosed(closed);
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** Runs `body`. After an error, records are dropped for {@link RETRY_MS} and the files are then opened anew. */
  #guarded(body: () => void): void {
    if (this.#file === undefined && performance.now() < this.#retryMs) return;
    try {
      body();
    } catch (thrown) {
      this.#closeFile();
      this.#sizeBytes = 0;
      this.#retryMs = performance.now() + RETRY_MS;
      this.#onLost(storageError(`Cannot write the log ${this.#spec.path}`, thrown));
    }
  }
}

/** Opens a file; creates its directory if that was removed. */
function openMaking(path: string, options: Deno.OpenOptions): Deno.FsFile {
  try {
    return Deno.openSync(path, options);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    Deno.mkdirSync(dirname(path), { mode: DIR_MODE });
    return Deno.openSync(path, options);
  }
}

/** Returns the end of the last complete line: an engine that was killed may have left an incomplete record after it. */
function endOfLastLine(file: Deno.FsFile): number {
  const block = new Uint8Array(TAIL_BLOCK_BYTES);
  for (let end = file.statSync().size; end > 0;) {
    const start = Math.max(0, end - block.length);
    file.seekSync(start, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < end - start) {
      const count = file.readSync(block.subarray(filled, end - start));
      if (count === null) break;
      filled += count;
    }
    const newline = block.subarray(0, filled).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}
