/**
 * @module
 * The log of one channel: its files, the records on their way into them, compression, and what is said when the disk makes
 * trouble.
 */
import { serialiseError, type TsdError } from "../../errors.ts";
import { timestampNow } from "./clock.ts";
import { FileSequence } from "./file_sequence.ts";
import { attrsField, RecordBuffer, recordMemory, recordSuffix, type StreamName } from "./json_lines.ts";
import type { PieceKind } from "./line_splitter.ts";
import { type CompressionQueue, LogCompressor } from "./log_compressor.ts";
import type { FromLogWorker, ReaderNeed, SharedLog } from "./protocol.ts";
import { RotatingLog } from "./rotating_log.ts";

/** What a log shares with those of other channels. */
export interface LogHost {
  readonly compressions: CompressionQueue;
  /** See {@link recordMemory}. */
  readonly memory: Uint8Array;
  post(message: FromLogWorker): void;
}

/** Trouble that lasts is told again after this time. */
const REPEAT_MS = 60_000;
/** Most bytes of a record's suffix without attributes. */
const PLAIN_SUFFIX_BYTES = 128;

/** See the module's comment. */
export class ChannelLog {
  readonly #key: string;
  readonly #host: LogHost;
  readonly #files: RotatingLog;
  readonly #compressor: LogCompressor | undefined;
  readonly #records: RecordBuffer;
  readonly #waitForReaders: boolean;
  readonly #attrs: string;
  readonly #toldMs = new Map<string, number>();
  #wrote = false;

  /** @throws {TsdError} storage */
  constructor(key: string, { spec, sequence }: SharedLog, host: LogHost) {
    this.#key = key;
    this.#host = host;
    this.#files = new RotatingLog(
      spec,
      new FileSequence(sequence),
      (error) => this.#tell("log records were lost", error),
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
      const failed = (error: TsdError) => this.#tell("a log file stays uncompressed", error);
      this.#compressor = new LogCompressor(this.#files, host.compressions, failed);
      this.#compressor.start();
    }
  }

  /** Whether writing has to wait for a reader. */
  get held(): boolean {
    return this.#files.held;
  }

  /** What ends the records of one stream that are written now. */
  suffix(stream: StreamName): Uint8Array {
    return recordSuffix(stream, timestampNow(), this.#attrs);
  }

  /** Says whether more can be added: not while the log is held. */
  add(piece: Uint8Array, kind: PieceKind, suffix: Uint8Array): boolean {
    this.#records.add(piece, kind, suffix);
    return !this.#files.held;
  }

  /** Puts what was added into the files. */
  write(): void {
    this.#records.flush();
  }

  /** {@link write}, and tells the engine's readers if there was anything since the last time. */
  flush(): void {
    this.write();
    if (!this.#wrote) return;
    this.#wrote = false;
    this.#host.post({ kind: "written", key: this.#key });
  }

  need({ reader, sequence }: ReaderNeed): void {
    if (this.#waitForReaders) this.#files.need(reader, sequence);
  }

  /** @throws {TsdError} storage and what removing files throws */
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

  #tell(what: string, error: TsdError): void {
    const now = performance.now();
    if (now - (this.#toldMs.get(what) ?? -Infinity) < REPEAT_MS) return;
    this.#toldMs.set(what, now);
    this.#host.post({ kind: "trouble", key: this.#key, what, error: serialiseError(error) });
  }
}
