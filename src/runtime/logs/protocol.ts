/**
 * @module
 * Messages between the engine and the log Worker. A *channel* is the output of one process: FIFOs or a pty, an
 * optional log file, and whether the engine wants a copy of the bytes (somebody is attached).
 */
import type { SerialisedError } from "../../errors.ts";
import type { StreamName } from "./json_lines.ts";

/** One end of a channel: a FIFO by its path, or a pty's master by a descriptor, which the Worker owns from then on. */
export type SourceSpec =
  | { readonly stream: StreamName; readonly path: string }
  | { readonly stream: StreamName; readonly fd: number };

/** What to open. */
export interface ChannelSpec {
  /** Container or exec id; unique among open channels. */
  readonly key: string;
  readonly sources: readonly SourceSpec[];
  /** json-file log that records are appended to; none for exec and for the `none` driver. */
  readonly logPath?: string;
  /** Whether bytes are copied to the engine from the start. */
  readonly attached: boolean;
}

export type ToLogWorker =
  | { readonly kind: "open"; readonly channel: ChannelSpec }
  /** Begin to read; until then output waits in the pipes, so that what a failed start printed can be thrown away. */
  | { readonly kind: "begin"; readonly key: string }
  | { readonly kind: "attach"; readonly key: string; readonly on: boolean }
  /** The engine has passed this many bytes on; see {@link MAX_UNCREDITED_BYTES}. */
  | { readonly kind: "credit"; readonly key: string; readonly bytes: number }
  /** The process has exited: end at the end of its output, at the latest after `graceMs` (orphans may hold it). */
  | { readonly kind: "finish"; readonly key: string; readonly graceMs: number }
  /** End at once, whatever is unread (the process never started). */
  | { readonly kind: "close"; readonly key: string }
  /** Everything read so far is in the file when the answer comes. */
  | { readonly kind: "flush"; readonly ticket: number };

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
  /** Records were appended to the channel's file (at most once a turn). */
  | { readonly kind: "written"; readonly key: string }
  | { readonly kind: "ended"; readonly key: string }
  | { readonly kind: "flushed"; readonly ticket: number }
  /** Records could not be written; said once for each channel. */
  | { readonly kind: "lost"; readonly key: string; readonly error: SerialisedError };

/** A channel stops reading while this many copied bytes have no credit: the container then waits, as on a slow pipe. */
export const MAX_UNCREDITED_BYTES = 1 << 20;
