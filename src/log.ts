/**
 * @module
 * The engine's own log: one record per line, `time level scope message key=value …`, to a sink that the entry point
 * chooses (`engine.log`, or standard error in the foreground). For containers' logs see `src/runtime/logs/`.
 */

/** Severities, in ascending order. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Fields that follow a message. Must not contain secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The logging interface of services. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Returns a log to the same sink, with another scope in every line. */
  scope(name: string): Log;
}

/** Receives one formatted line, without its newline. */
export type LineSink = (line: string) => void;

/** A {@link Log} that formats lines for `sink` and drops records below `level`. */
export class LineLog implements Log {
  readonly #sink: LineSink;
  readonly #level: LogLevel;
  readonly #scope: string;

  constructor(sink: LineSink, level: LogLevel = "info", scope = "engine") {
    this.#sink = sink;
    this.#level = level;
    this.#scope = scope;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  scope(name: string): Log {
    return new LineLog(this.#sink, this.#level, name);
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#level)) return;
    const tail = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${quote(String(value))}`)
      .join("");
    this.#sink(`${new Date().toISOString()} ${level} ${this.#scope}: ${oneLine(message)}${tail}`);
  }
}

/** A log that discards everything, for tests and for library use. */
export const SILENT_LOG: Log = new LineLog(() => {}, "error");

const oneLine = (text: string): string => text.replaceAll("\n", "\\n");
const quote = (value: string): string => /[\s"=]/.test(value) ? JSON.stringify(value) : value;
