/** A log in a temporary folder that a test writes by itself, without a Worker. */
import { FileSequence } from "./file_sequence.ts";
import { RecordBuffer, recordSuffix, type StreamName } from "./json_lines.ts";
import { LineSplitter } from "./line_splitter.ts";
import { LogFiles } from "./log_files.ts";
import { listLog } from "./log_names.ts";
import type { LogLease } from "./log_readers.ts";
import type { LogSpec } from "./protocol.ts";
import { RotatingLog } from "./rotating_log.ts";

const NO_BOUND = { maxSizeBytes: Infinity, maxFiles: 1, compress: false, waitForReaders: true, attrs: {} };
const READER = 1;

/** See above. Dispose of it. */
export class LogFixture implements Disposable {
  readonly dir: string;
  readonly spec: LogSpec;
  readonly sequence = new FileSequence();
  readonly files: LogFiles;
  /** What was lost, as told. */
  readonly lost: string[] = [];
  log: RotatingLog;
  #records: RecordBuffer;

  constructor(options: Partial<LogSpec> = {}, { dir = Deno.makeTempDirSync({ prefix: "tsd-log-" }) } = {}) {
    this.dir = dir;
    this.spec = { ...NO_BOUND, path: `${dir}/x-json.log`, ...options };
    this.files = new LogFiles(this.spec.path, this.sequence);
    this.log = this.#newLog();
    this.#records = new RecordBuffer(this.log);
  }

  /** Ends and opens it again, as the next engine does. */
  reopen(): void {
    this.log.close();
    this.log = this.#newLog();
    this.#records = new RecordBuffer(this.log);
  }

  #newLog(): RotatingLog {
    return new RotatingLog(this.spec, this.sequence, ({ message }) => this.lost.push(message), 0);
  }

  /** Writes text as a container would have written it. */
  write(
    text: string | Uint8Array,
    { stream = "stdout", time = second(0) }: { stream?: StreamName; time?: string } = {},
  ) {
    const suffix = recordSuffix(stream, time);
    const cutter = new LineSplitter((piece, kind) => {
      this.#records.add(piece, kind, suffix);
      return true;
    });
    cutter.push(typeof text === "string" ? new TextEncoder().encode(text) : text);
    cutter.end();
    this.#records.flush();
  }

  /** What a reader says to the writer. */
  get lease(): Pick<LogLease, "need" | "letGo"> {
    return {
      need: (sequence) => this.log.need(READER, sequence),
      letGo: () => this.log.need(READER, undefined),
    };
  }

  /** Names and contents of the files that are there, oldest first. */
  contents(): [name: string, text: string][] {
    const names = listLog(this.spec.path).reverse();
    return names.map(({ path }) => [path.slice(this.spec.path.length), Deno.readTextFileSync(path)]);
  }

  [Symbol.dispose](): void {
    this.log.close();
    Deno.removeSync(this.dir, { recursive: true });
  }
}

/** A time in a log, so many seconds after a beginning. */
export function second(n: number): string {
  return `${new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString().slice(0, -1)}000000Z`;
}
