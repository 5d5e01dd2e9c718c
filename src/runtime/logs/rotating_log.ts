/**
 * @module
 * The files of one log, as the log Worker writes them. A file that is full is put aside (`x` → `x.1` → `x.2` …) between
 * two records and the oldest one is removed, so that they never have more than `maxSizeBytes × maxFiles` together. What a
 * reader still needs is not removed: then the log is *held*, and whoever writes must wait. After a crash in the middle of
 * it the files are put in order when the log is opened the next time. Files that another program removes are left out, and
 * a new one takes the place of the one that is written to.
 */
import { dirname } from "node:path";
import { TsdError } from "../../errors.ts";
import { storageError } from "../../io/mod.ts";
import type { FileSequence } from "./file_sequence.ts";
import type { RecordSink } from "./json_lines.ts";
import { compressionName, listLog, logName } from "./log_names.ts";
import { inodeOf, removeIfExists, renameIfExists } from "../../io/if_exists.ts";
import type { LogSpec } from "./protocol.ts";

/** A file that was put aside. */
export interface ClosedFile {
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

/** See the module's comment. Problems with the disk are told to `onLost`: records are dropped, the container goes on. */
export class RotatingLog implements RecordSink {
  readonly #spec: LogSpec;
  readonly #sequence: FileSequence;
  readonly #onLost: (error: TsdError) => void;
  readonly #lookMs: number;
  /** When it was last looked whether the file is in its place; see `performance.now`. */
  #lookedMs = -Infinity;
  /** Newest first. */
  #closed: ClosedFile[] = [];
  #file: Deno.FsFile | undefined;
  #sizeBytes = 0;
  #closedBytes = 0;
  #held = false;
  /** When the disk is tried again after a failure; see `performance.now`. */
  #retryMs = 0;
  /** By reader: the first file that it still needs. */
  readonly #needed = new Map<number, number>();

  /** @throws {TsdError} storage */
  constructor(spec: LogSpec, sequence: FileSequence, onLost: (error: TsdError) => void, lookMs = LOOK_MS) {
    this.#spec = spec;
    this.#sequence = sequence;
    this.#onLost = onLost;
    this.#lookMs = lookMs;
    this.#open();
  }

  get roomBytes(): number {
    return this.#held ? Infinity : this.#spec.maxSizeBytes - this.#sizeBytes;
  }

  get isEmpty(): boolean {
    return this.#sizeBytes === 0;
  }

  /** Whether the next file has to wait for a reader. */
  get held(): boolean {
    return this.#held;
  }

  /** Files that were put aside, newest first. */
  get closed(): readonly ClosedFile[] {
    return this.#closed;
  }

  /** What all files have together. */
  get totalBytes(): number {
    return this.#sizeBytes + this.#closedBytes;
  }

  get spec(): LogSpec {
    return this.#spec;
  }

  /** A reader needs this file and all newer ones; undefined: it has gone. */
  need(reader: number, sequence: number | undefined): void {
    if (sequence === undefined) this.#needed.delete(reader);
    else this.#needed.set(reader, sequence);
    this.#held &&= this.#isOldestNeeded();
  }

  append(records: Uint8Array): void {
    this.#guarded(() => {
      this.#stayInPlace();
      const file = this.#file ?? this.#open();
      try {
        for (let at = 0; at < records.length;) at += file.writeSync(records.subarray(at));
      } catch (thrown) {
        // Half a record would spoil the one that comes next.
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
      // Somebody else may have emptied it.
      if (size < this.#sizeBytes) this.#sizeBytes = size;
      if (this.#sizeBytes === 0) return;
      this.#held = this.#isOldestNeeded();
      if (this.#held) return;
      this.#closeFile();
      this.#sequence.change(1, () => this.#putAside());
    });
  }

  /** Removes all that was written so far. Readers that are at the newest file keep it until they have read it. */
  clear(): void {
    this.#closeFile();
    this.#sequence.change(1, () => {
      const files = listLog(this.#spec.path);
      this.#setClosed([]);
      // Oldest first: what a crash leaves is the newer part.
      for (const { path } of files.reverse()) Deno.removeSync(path);
      this.#create();
    });
    this.#held = false;
  }

  /** The file at its present place has been compressed; `rename` puts the new one there. */
  replace(file: ClosedFile, sizeBytes: number, rename: (plain: string, compressed: string) => void): void {
    const age = this.#sequence.newest - file.sequence;
    rename(logName(this.#spec.path, age), logName(this.#spec.path, age, true));
    this.#closedBytes += sizeBytes - file.sizeBytes;
    file.sizeBytes = sizeBytes;
    file.compressed = true;
  }

  /** Where a file is now. */
  pathOf({ sequence, compressed }: ClosedFile): string {
    return logName(this.#spec.path, this.#sequence.newest - sequence, compressed);
  }

  close(): void {
    this.#closeFile();
  }

  /** Begins another file where the present one was removed, or another one has been put in its place. */
  #stayInPlace(): void {
    const now = performance.now();
    if (this.#file === undefined || now - this.#lookedMs < this.#lookMs) return;
    this.#lookedMs = now;
    const { path } = this.#spec;
    if (inodeOf(path) === this.#file.statSync().ino) return;
    this.#closeFile();
    this.#sizeBytes = 0;
    this.#sequence.change(1, () => this.#putAside());
    this.#onLost(new TsdError("storage", `The log ${path} was removed by another program; a new one was begun`));
  }

  /** How many of the files that were put aside stay when there is one more. */
  #keptCount(): number {
    return Math.min(this.#closed.length, Math.max(0, this.#spec.maxFiles - 2));
  }

  /** Whether a reader needs a file that the next rotation removes. */
  #isOldestNeeded(): boolean {
    const { newest } = this.#sequence;
    // With one file only, that file is removed itself; readers that are at it have it open.
    const removed = this.#spec.maxFiles === 1 ? newest - 1 : this.#closed[this.#keptCount()]?.sequence;
    if (removed === undefined) return false;
    for (const sequence of this.#needed.values()) if (sequence <= removed) return true;
    return false;
  }

  /** Renames the files, oldest first, so that at each moment a crash leaves them in order. */
  #putAside(): void {
    const { path, maxFiles } = this.#spec;
    const { newest } = this.#sequence;
    const kept: ClosedFile[] = [];
    const keptCount = this.#keptCount();
    for (const file of this.#closed.slice(keptCount).reverse()) removeIfExists(this.pathOf(file));
    for (const file of this.#closed.slice(0, keptCount).reverse()) {
      const to = logName(path, newest + 1 - file.sequence, file.compressed);
      if (renameIfExists(this.pathOf(file), to)) kept.unshift(file);
    }
    if (maxFiles === 1) removeIfExists(path);
    else if (renameIfExists(path, logName(path, 1))) {
      kept.unshift({ sequence: newest, sizeBytes: this.#sizeBytes, compressed: false });
    }
    this.#setClosed(kept);
    this.#create();
  }

  #setClosed(closed: ClosedFile[]): void {
    this.#closed = closed;
    this.#closedBytes = closed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  #create(): void {
    this.#file = openMaking(this.#spec.path, { append: true, createNew: true, mode: FILE_MODE });
    this.#sizeBytes = 0;
  }

  /** Puts in order what is there, and opens the file that is written to. */
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

  /** Closes gaps between the names, and removes what is too much. */
  #arrange(): void {
    const { path, maxFiles } = this.#spec;
    const { newest } = this.#sequence;
    const closed: ClosedFile[] = [];
    let last = 0;
    for (const { age, compressed, path: from } of listLog(path)) {
      if (age === 0) continue;
      // Both forms: the engine ended after compressing and before removing the original.
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

  /** After a failure records are dropped for a moment, then everything is looked at anew. */
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

/** Opens a file, and makes its folder if that was removed. */
function openMaking(path: string, options: Deno.OpenOptions): Deno.FsFile {
  try {
    return Deno.openSync(path, options);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    Deno.mkdirSync(dirname(path), { mode: DIR_MODE });
    return Deno.openSync(path, options);
  }
}

/** Where the last line ends: an engine that was killed may have left half a record behind it. */
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
