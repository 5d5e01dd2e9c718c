/**
 * @module
 * The log of one channel: its files, the buffer of pending records, compression, and the reports of disk errors.
 */
import { serialiseError, type TsdError } from "../../errors.ts";
import { timestampNow } from "./clock.ts";
import { FileSequence } from "./file_sequence.ts";
import { attrsField, RecordBuffer, recordMemory, recordSuffix, type StreamName } from "./json_lines.ts";
import type { PieceKind } from "./line_splitter.ts";
import { type CompressionQueue, LogCompressor } from "./log_compressor.ts";
import type { FromLogWorker, ReaderNeed, SharedLog } from "./protocol.ts";
import { RotatingLog } from "./rotating_log.ts";

/** Resources that the logs of all channels share. */
export interface LogHost {
  readonly compressions: CompressionQueue;
  /** See {@link recordMemory}. */
  readonly memory: Uint8Array;
  post(message: FromLogWorker): void;
}

/** Minimum interval between reports of the same persisting error. */
const REPEAT_MS = 60_000;
/** Maximum length of a record's suffix without attributes, in bytes. */
const PLAIN_SUFFIX_BYTES = 128;

/** Writes the records of one channel to its rotating log. */
export class ChannelLog {
  readonly #key: string;
  readonly #host: LogHost;
  readonly #files: RotatingLog;
  readonly #compressor: LogCompressor | undefined;
  readonly #records: RecordBuffer;
  readonly #waitForReaders: boolean;
  readonly #attrs: string;
  readonly #lastReportMs = new Map<string, number>();
  #wrote = false;

  /** @throws {TsdError} storage */
  constructor(key: string, { spec, sequence }: SharedLog, host: LogHost) {
    this.#key = key;
    this.#host = host;
    this.#files = new RotatingLog(
      spec,
      new FileSequence(sequence),
      (error) => this.#report("log records were lost", error),
    );
    this.#attrs = attrsField(spec.attrs);
    this.#waitForReaders = spec.waitForReaders;
    const sink = {
      files: this.#files,
      get roomBytes() {
        return this.files.roomBytes;
      },
      get isEmpty() {
        return this.files.isEmpty;
      },
      append: (records: Uint8Array) => this.#append(records),
      rotate: () => this.#rotate(),
    };
    const suffixBytes = PLAIN_SUFFIX_BYTES + this.#attrs.length * 3;
    this.#records = new RecordBuffer(sink, this.#attrs === "" ? host.memory : recordMemory(suffixBytes));
    if (spec.compress) {
      const failed = (error: TsdError) => this.#report("a log file stays uncompressed", error);
      this.#compressor = new LogCompressor(this.#files, host.compressions, failed);
      this.#compressor.start();
    }
  }

  /** Whether writing must wait for a reader. */
  get held(): boolean {
    return this.#files.held;
  }

  /** Returns the suffix, with the current time, for records of one stream. */
  suffix(stream: StreamName): Uint8Array {
    return recordSuffix(stream, timestampNow(), this.#attrs);
  }

  /** Adds a record. Returns whether more can be added, which is not so while the log is held. */
  add(piece: Uint8Array, kind: PieceKind, suffix: Uint8Array): boolean {
    this.#records.add(piece, kind, suffix);
    return !this.#files.held;
  }

  /** Writes the added records to the files. */
  write(): void {
    this.#records.flush();
  }

  /** Writes the added records, and notifies the engine's readers if any record was written since the last call. */
  flush(): void {
    this.write();
    if (!this.#wrote) return;
    this.#wrote = false;
    this.#host.post({ kind: "written", key: this.#key });
  }

  need({ reader, sequence }: ReaderNeed): void {
    if (this.#waitForReaders) this.#files.need(reader, sequence);
  }

  /** Removes all records. @throws {TsdError} storage, and the errors of removing files */
  clear(): void {
    this.flush();
    this.#compressor?.stop();
    this.#files.clear();
    this.#host.post({ kind: "written", key: this.#key });
  }

  close(): void {
    this.flush();
    this.#compressor?.close();
    this.#files.close();
  }

  #append(records: Uint8Array): void {
    this.#files.append(records);
    this.#wrote = true;
    this.#compressor?.makeRoom();
  }

  #rotate(): void {
    this.#files.rotate();
    this.#compressor?.start();
  }

  #report(what: string, error: TsdError): void {
    const now = performance.now();
    if (now - (this.#lastReportMs.get(what) ?? -Infinity) < REPEAT_MS) return;
    this.#lastReportMs.set(what, now);
    this.#host.post({ kind: "trouble", key: this.#key, what, error: serialiseError(error) });
  }
}
