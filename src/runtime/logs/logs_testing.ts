/**
 * @module
 * A log in a temporary directory, written without a Worker.
 */
import { FileSequence } from "./file_sequence.ts";
import { RecordBuffer, recordSuffix, type StreamName } from "./json_lines.ts";
import { LineSplitter } from "./line_splitter.ts";
import { LogFiles } from "./log_files.ts";
import { listLog } from "./log_names.ts";
import type { LogLease } from "./log_readers.ts";
import type { LogSpec } from "./protocol.ts";
import { RotatingLog } from "./rotating_log.ts";

const UNLIMITED = { maxSizeBytes: Infinity, maxFiles: 1, compress: false, waitForReaders: true, attrs: {} };
const READER = 1;

/** A log in a temporary directory. Dispose of it to remove the directory. */
export class LogFixture implements Disposable {
  readonly dir: string;
  readonly spec: LogSpec;
  readonly sequence = new FileSequence();
  readonly files: LogFiles;
  /** Messages of the reported errors. */
  readonly lost: string[] = [];
  log: RotatingLog;
  #records: RecordBuffer;

  constructor(options: Partial<LogSpec> = {}, { dir = Deno.makeTempDirSync({ prefix: "tsd-log-" }) } = {}) {
    this.dir = dir;
    this.spec = { ...UNLIMITED, path: `${dir}/x-json.log`, ...options };
    this.files = new LogFiles(this.spec.path, this.sequence);
    this.log = this.#newLog();
    this.#records = new RecordBuffer(this.log);
  }

  /** Closes and reopens the log, as the next engine does. */
  reopen(): void {
    this.log.close();
    this.log = this.#newLog();
    this.#records = new RecordBuffer(this.log);
  }

  #newLog(): RotatingLog {
    return new RotatingLog(this.spec, this.sequence, ({ message }) => this.lost.push(message), 0);
  }

  /** Logs text as the output of a container. */
  write(
    text: string | Uint8Array,
    { stream = "stdout", time = second(0) }: { stream?: StreamName; time?: string } = {},
  ) {
    const suffix = recordSuffix(stream, time);
    const splitter = new LineSplitter((piece, kind) => {
      this.#records.add(piece, kind, suffix);
      return true;
    });
    splitter.push(typeof text === "string" ? new TextEncoder().encode(text) : text);
    splitter.end();
    this.#records.flush();
  }

  /** The lease of a reader. */
  get lease(): Pick<LogLease, "need" | "release"> {
    return {
      need: (sequence) => this.log.need(READER, sequence),
      release: () => this.log.need(READER, undefined),
    };
  }

  /** Returns the name suffixes and contents of the existing files, oldest first. */
  contents(): [name: string, text: string][] {
    const names = listLog(this.spec.path).reverse();
    return names.map(({ path }) => [path.slice(this.spec.path.length), Deno.readTextFileSync(path)]);
  }

  [Symbol.dispose](): void {
    this.log.close();
    Deno.removeSync(this.dir, { recursive: true });
  }
}

/** Returns a log's timestamp, `n` seconds after 2026-01-01. */
export function second(n: number): string {
  return `${new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString().slice(0, -1)}000000Z`;
}
