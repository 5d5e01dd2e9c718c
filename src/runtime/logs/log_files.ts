/**
 * @module
 * The files of one log for reading, by sequence number. A file that was opened can be read to its end, whatever becomes of
 * its name.
 */
import { decompressed, storageError } from "../../io/mod.ts";
import type { FileSequence } from "./file_sequence.ts";
import { listLog, logName } from "./log_names.ts";

/** A log's file that is read. Dispose of it. */
export interface OpenLogFile extends AsyncDisposable {
  readonly isCompressed: boolean;
  /** Bytes of text read so far. */
  readonly position: number;
  /** Reads into `buffer`; 0 is the end, for now. @throws {TsdError} storage */
  read(buffer: Uint8Array): Promise<number>;
  /** Bytes that are in it now (compressed, if it is). */
  size(): Promise<number>;
  /** Goes to a byte; not for compressed files. */
  seek(position: number): Promise<void>;
}

/** See the module's comment. */
export class LogFiles {
  readonly path: string;
  readonly #sequence: FileSequence;

  constructor(path: string, sequence: FileSequence) {
    this.path = path;
    this.#sequence = sequence;
  }

  /** The number of the file that is written to; it may not be there. */
  get newest(): number {
    return this.#sequence.newest;
  }

  /** Numbers of the files that are there, oldest first. @throws {TsdError} storage */
  list(): Promise<number[]> {
    return this.#sequence.whileStill(
      (newest) => Promise.resolve([...new Set(listLog(this.path).map(({ age }) => newest - age))].reverse()),
      () => {},
    );
  }

  /** The file with this number; undefined where it is not there (any more). @throws {TsdError} storage */
  async open(sequence: number): Promise<OpenLogFile | undefined> {
    const opened = await this.#sequence.whileStill(
      async (newest) => {
        const age = newest - sequence;
        if (age < 0) return undefined;
        // The compressed one is complete before the plain one goes.
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
    // Closes the file too.
    await this.#text.cancel();
  }
}
