/**
 * @module
 * Opens the files of one log for reading, by sequence number. An open file can be read to its end even if it is renamed
 * or removed.
 */
import { decompressed, storageError } from "../../io/mod.ts";
import type { FileSequence } from "./file_sequence.ts";
import { listLog, logName } from "./log_names.ts";

/** An open file of a log. Dispose of it to close it. */
export interface OpenLogFile extends AsyncDisposable {
  readonly isCompressed: boolean;
  /** Position in the uncompressed text, in bytes. */
  readonly position: number;
  /** Reads into `buffer`. Returns the number of bytes; 0 at the current end. @throws {TsdError} storage */
  read(buffer: Uint8Array): Promise<number>;
  /** Returns the current size of the file on disk, in bytes. */
  size(): Promise<number>;
  /** Sets the position, in bytes. @throws {RangeError} for compressed files */
  seek(position: number): Promise<void>;
}

/** The files of one log. */
export class LogFiles {
  readonly path: string;
  readonly #sequence: FileSequence;

  constructor(path: string, sequence: FileSequence) {
    this.path = path;
    this.#sequence = sequence;
  }

  /** The sequence number of the current file, which may not exist. */
  get newest(): number {
    return this.#sequence.newest;
  }

  /** Returns the sequence numbers of the existing files, oldest first. @throws {TsdError} storage */
  list(): Promise<number[]> {
    return this.#sequence.readConsistently(
      (newest) => Promise.resolve([...new Set(listLog(this.path).map(({ age }) => newest - age))].reverse()),
      () => {},
    );
  }

  /** Opens the file with this sequence number; undefined if it doesn't exist (any more). @throws {TsdError} storage */
  async open(sequence: number): Promise<OpenLogFile | undefined> {
    const opened = await this.#sequence.readConsistently(
      async (newest) => {
        const age = newest - sequence;
        if (age < 0) return undefined;
        // The compressed file is complete before the plain one is removed.
        return await openIfExists(logName(this.path, age), false) ??
          await openIfExists(logName(this.path, age, true), true);
      },
      (other) => other?.file.close(),
    );
    if (opened === undefined) return undefined;
    return opened.isCompressed ? new CompressedFile(opened.file, this.path) : new PlainFile(opened.file, this.path);
  }
}

async function openIfExists(
  path: string,
  isCompressed: boolean,
): Promise<{ file: Deno.FsFile; isCompressed: boolean } | undefined> {
  try {
    return { file: await Deno.open(path), isCompressed };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw storageError(`Cannot open the log ${path}`, thrown);
  }
}

class PlainFile implements OpenLogFile {
  readonly isCompressed = false;
  readonly #file: Deno.FsFile;
  readonly #path: string;
  #position = 0;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  get position(): number {
    return this.#position;
  }

  async read(buffer: Uint8Array): Promise<number> {
    try {
      const count = await this.#file.read(buffer) ?? 0;
      this.#position += count;
      return count;
    } catch (thrown) {
      throw storageError(`Cannot read the log ${this.#path}`, thrown);
    }
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  async seek(position: number): Promise<void> {
    this.#position = await this.#file.seek(position, Deno.SeekMode.Start);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#file.close();
    return Promise.resolve();
  }
}

class CompressedFile implements OpenLogFile {
  readonly isCompressed = true;
  readonly #file: Deno.FsFile;
  readonly #text: ReadableStreamDefaultReader<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  #position = 0;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#text = decompressed(file.readable, { what: `the log ${path}` }).getReader();
  }

  get position(): number {
    return this.#position;
  }

  async read(buffer: Uint8Array): Promise<number> {
    if (this.#chunk.length === 0) this.#chunk = (await this.#text.read()).value ?? this.#chunk;
    const count = Math.min(buffer.length, this.#chunk.length);
    buffer.set(this.#chunk.subarray(0, count));
    this.#chunk = this.#chunk.subarray(count);
    this.#position += count;
    return count;
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  seek(): Promise<void> {
    throw new RangeError("A compressed log can only be read from its beginning");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Cancelling the stream closes the file too.
    await this.#text.cancel();
  }
}
