/**
 * @module
 * Messages between the engine and the log Worker. A *channel* is the output of one process: FIFOs or a pty, an
 * optional log file, and whether the engine wants a copy of the bytes (somebody is attached).
 */
import type { SerialisedError } from "../../errors.ts";
import type { StreamName } from "./json_lines.ts";
import type { SampledLine } from "./line_sampler.ts";

/** One end of a channel: a FIFO by its path, or a pty's master by a descriptor, which the Worker owns from then on, come what may. */
export type SourceSpec =
  | { readonly stream: StreamName; readonly path: string }
  | { readonly stream: StreamName; readonly fd: number };

/** A json-file log. */
export interface LogSpec {
  /** Absolute path of the file that is written to; see `log_names.ts` for those that were put aside. */
  readonly path: string;
  /** A file that has no room for a record is put aside. A single record may be larger. */
  readonly maxSizeBytes: number;
  /** How many files there are at most, the one that is written to included. */
  readonly maxFiles: number;
  /** Whether files that were put aside are compressed. */
  readonly compress: boolean;
  /** Whether slow readers of the log may slow the container down, so that they miss nothing. */
  readonly waitForReaders: boolean;
  /** Stands in every record, for `logs --details`. */
  readonly attrs: Readonly<Record<string, string>>;
}

/** A log as the Worker is told of it. */
export interface SharedLog {
  readonly spec: LogSpec;
  /** Memory of the log's {@link FileSequence}. */
  readonly sequence: SharedArrayBuffer;
}

/** What a reader still needs: the file with this number, which it has open, and all newer ones. */
export interface ReaderNeed {
  readonly reader: number;
  /** Undefined: it needs nothing any more. */
  readonly sequence: number | undefined;
}

/** So many bytes that still lie in a FIFO were copied to whoever was attached. */
export type BytesRead = Readonly<Partial<Record<StreamName, number>>>;

/** What to open. */
export interface ChannelSpec {
  /** Container or exec id; unique among open channels. */
  readonly key: string;
  readonly sources: readonly SourceSpec[];
  /** json-file log that records are appended to; none for exec and for the `none` driver. */
  readonly log?: LogSpec;
  /** Whether bytes are copied to the engine from the start. */
  readonly attached: boolean;
  /** By the engine that was there before. */
  readonly seen?: BytesRead;
}

export type ToLogWorker =
  | {
    readonly kind: "open";
    readonly channel: ChannelSpec;
    readonly log?: SharedLog;
    readonly needs: readonly ReaderNeed[];
  }
  /** Begin to read; until then output waits in the pipes, so that what a failed start printed can be thrown away. */
  | { readonly kind: "begin"; readonly key: string }
  | { readonly kind: "attach"; readonly key: string; readonly on: boolean }
  /** The engine has passed this many bytes on; see {@link MAX_UNCREDITED_BYTES}. */
  | { readonly kind: "credit"; readonly key: string; readonly bytes: number }
  /** The process has exited: end at the end of its output, at the latest after `graceMs` (orphans may hold it). */
  | { readonly kind: "finish"; readonly key: string; readonly graceMs: number }
  /** End at once, whatever is unread (the process never started). */
  | { readonly kind: "close"; readonly key: string }
  /** A reader of a channel's log has come, moved on, or gone. */
  | { readonly kind: "need"; readonly key: string; readonly need: ReaderNeed }
  /** Remove what was logged so far, whether or not the channel is open. */
  | { readonly kind: "clear"; readonly key: string; readonly log: SharedLog; readonly ticket: number }
  /** Of what is logged, so many lines a second of each channel come to the engine; 0: none. */
  | { readonly kind: "sample"; readonly perSecond: number }
  /** What was written to the streams so far is in the files when the answer comes. */
  | { readonly kind: "flush"; readonly ticket: number }
  /** The engine leaves: read nothing more, and write what was read, unfinished lines too. */
  | { readonly kind: "suspend"; readonly ticket: number };

export type FromLogWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "opened"; readonly key: string; readonly error?: SerialisedError }
  | { readonly kind: "attached"; readonly key: string }
  | {
    readonly kind: "data";
    readonly key: string;
    readonly stream: StreamName;
    readonly bytes: Uint8Array<ArrayBuffer>;
  }
  /** Some of what was logged. */
  | { readonly kind: "lines"; readonly key: string; readonly lines: readonly SampledLine[] }
  /** Records were appended to the channel's file (at most once a turn). */
  | { readonly kind: "written"; readonly key: string }
  | { readonly kind: "ended"; readonly key: string }
  | { readonly kind: "flushed"; readonly ticket: number }
  /** Nothing more comes; what was copied so far was sent before this. By channel. */
  | { readonly kind: "suspended"; readonly ticket: number; readonly seen: Readonly<Record<string, BytesRead>> }
  | { readonly kind: "cleared"; readonly ticket: number; readonly error?: SerialisedError }
  /** Something could not be done with a log, which goes on: for the engine's own log. */
  | { readonly kind: "trouble"; readonly key: string; readonly what: string; readonly error: SerialisedError };

/** A channel stops reading while this many copied bytes have no credit: the container then waits, as on a slow pipe. */
export const MAX_UNCREDITED_BYTES = 1 << 20;
