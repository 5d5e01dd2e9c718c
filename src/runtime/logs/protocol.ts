/**
 * @module
 * Messages between the engine and the log Worker. A *channel* is the output of one process: FIFOs or a pty, an optional
 * log file, and whether bytes are copied to the engine because a client is attached.
 */
import type { SerialisedError } from "../../errors.ts";
import type { StreamName } from "./json_lines.ts";
import type { SampledLine } from "./line_sampler.ts";

/**
 * A source of a channel: the path of a FIFO, or the descriptor of a pty's master. The Worker owns the descriptor, even
 * if opening the channel fails.
 */
export type SourceSpec =
  | { readonly stream: StreamName; readonly path: string }
  | { readonly stream: StreamName; readonly fd: number };

/** A json-file log. */
export interface LogSpec {
  /** Absolute path of the current file; see `log_names.ts` for the rotated ones. */
  readonly path: string;
  /** A file is rotated before a record that would exceed this size. A single record may be larger. */
  readonly maxSizeBytes: number;
  /** Maximum number of files, including the current one. */
  readonly maxFiles: number;
  /** Whether rotated files are compressed. */
  readonly compress: boolean;
  /** Whether slow readers of the log may slow down the container, so that they miss no record. */
  readonly waitForReaders: boolean;
  /** Attributes of every record, for `logs --details`. */
  readonly attrs: Readonly<Record<string, string>>;
}

/** A log as it is passed to the Worker. */
export interface SharedLog {
  readonly spec: LogSpec;
  /** Shared memory of the log's {@link FileSequence}. */
  readonly sequence: SharedArrayBuffer;
}

/** The files that a reader still needs: the one with this sequence number, which it has open, and all newer ones. */
export interface ReaderNeed {
  readonly reader: number;
  /** Undefined if the reader needs no file any more. */
  readonly sequence: number | undefined;
}

/** By stream, how many of the bytes that are still in its FIFO were already copied to attached clients. */
export type BytesRead = Readonly<Partial<Record<StreamName, number>>>;

/** A channel to open. */
export interface ChannelSpec {
  /** Container or exec id; unique among open channels. */
  readonly key: string;
  readonly sources: readonly SourceSpec[];
  /** The json-file log that records are appended to; undefined for exec and for the `none` driver. */
  readonly log?: LogSpec;
  /** Whether bytes are copied to the engine from the start. */
  readonly attached: boolean;
  /** Bytes that the previous engine already delivered. */
  readonly seen?: BytesRead;
}

/** Messages from the engine to the log Worker. */
export type ToLogWorker =
  | {
    readonly kind: "open";
    readonly channel: ChannelSpec;
    readonly log?: SharedLog;
    readonly needs: readonly ReaderNeed[];
  }
  /** Starts reading. Until then output stays in the pipes, so that the output of a failed start can be dropped. */
  | { readonly kind: "begin"; readonly key: string }
  | { readonly kind: "attach"; readonly key: string; readonly on: boolean }
  /** The engine has delivered this many bytes; see {@link MAX_UNCREDITED_BYTES}. */
  | { readonly kind: "credit"; readonly key: string; readonly bytes: number }
  /** The process has exited: ends the channel at the end of its output, or after `graceMs` if orphans hold it open. */
  | { readonly kind: "finish"; readonly key: string; readonly graceMs: number }
  /** Ends the channel at once and drops unread output: the process never started. */
  | { readonly kind: "close"; readonly key: string }
  /** A reader of the channel's log was added, moved to another file, or was removed. */
  | { readonly kind: "need"; readonly key: string; readonly need: ReaderNeed }
  /** Removes all records logged so far, whether or not the channel is open. */
  | { readonly kind: "clear"; readonly key: string; readonly log: SharedLog; readonly ticket: number }
  /** Requests up to this many logged lines per second and channel; 0 stops sampling. */
  | { readonly kind: "sample"; readonly perSecond: number }
  /** Writes everything that the processes have output so far to the log files. */
  | { readonly kind: "flush"; readonly ticket: number }
  /** The engine is about to exit: stops reading, and writes what was read, incomplete lines too. */
  | { readonly kind: "suspend"; readonly ticket: number };

/** Messages from the log Worker to the engine. */
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
  /** A sample of the logged lines. */
  | { readonly kind: "lines"; readonly key: string; readonly lines: readonly SampledLine[] }
  /** Records were appended to the channel's log (sent at most once per turn of reading). */
  | { readonly kind: "written"; readonly key: string }
  | { readonly kind: "ended"; readonly key: string }
  | { readonly kind: "flushed"; readonly ticket: number }
  /** No more output follows; all copied bytes were sent before this message. `seen` is indexed by channel key. */
  | { readonly kind: "suspended"; readonly ticket: number; readonly seen: Readonly<Record<string, BytesRead>> }
  | { readonly kind: "cleared"; readonly ticket: number; readonly error?: SerialisedError }
  /** An operation on a log failed and logging continues; reported in the engine's own log. */
  | { readonly kind: "trouble"; readonly key: string; readonly what: string; readonly error: SerialisedError };

/**
 * A channel stops reading while this many copied bytes are uncredited; the container then blocks, as on a slow pipe.
 */
export const MAX_UNCREDITED_BYTES = 1 << 20;
