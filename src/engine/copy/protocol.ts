/**
 * @module
 * Messages between the engine and its archive Workers, which stat, pack and unpack files in containers' roots: file systems
 * may be slow, or hang. A Worker has one job at a time; chunks flow with credit-based flow control in both directions.
 */
import type { SerialisedError } from "../../errors.ts";

/** A mount in a container. */
export interface ViewMount {
  /** Absolute, in the container. */
  readonly target: string;
  /** Absolute path on the host. A mount without one is empty while the container doesn't run. */
  readonly source?: string | undefined;
  /** The part of the source that is mounted, if not all of it; links cannot lead outside. */
  readonly subpath?: string | undefined;
  /** Whether only the engine can change the target of the source's path; it is then used for running containers too. */
  readonly isOwn: boolean;
  /** Whether mounts below the source are included. */
  readonly recursive: boolean;
  readonly readOnly: boolean;
}

/** A container's root with its mounts, as seen from inside. */
export interface ViewSpec {
  /** Absolute path of its mounted root on the host. */
  readonly root: string;
  readonly readOnly: boolean;
  /** Parents before children. */
  readonly mounts: readonly ViewMount[];
  /** The init process of a running container, through whose root its mounts are opened. */
  readonly process?: { readonly pid: number; readonly startTicks: string } | undefined;
}

/** The operation of a job. Paths are as given by the client. */
export type CopyTask =
  | { readonly kind: "stat"; readonly path: string }
  /** Sends the path's stat, then the archive. */
  | { readonly kind: "pack"; readonly path: string }
  /** Packs the root without its mounts; with `keepsAll` also the root directory itself, and what Docker omits. */
  | { readonly kind: "export"; readonly keepsAll?: boolean }
  /**
   * Copies the content of a directory, if it exists, durably to a directory of the host, if that is empty. With `replaces`
   * it need not be empty, and entries of the same names are replaced.
   */
  | { readonly kind: "copy"; readonly path: string; readonly to: string; readonly replaces?: boolean }
  | {
    readonly kind: "unpack";
    readonly path: string;
    /** Allows a file to replace a directory, and vice versa. */
    readonly mayReplaceDirs: boolean;
    /** Owner of all entries, in the form of a container's `USER`; if undefined, the archive says the owner. */
    readonly user?: string | undefined;
    /** Whether the archive's entry for the directory itself is applied to it. */
    readonly setsDir?: boolean;
    /** Whether the files are synced to disk before the job ends. */
    readonly isDurable?: boolean;
  };

export interface CopyJob {
  readonly view: ViewSpec;
  readonly task: CopyTask;
  /** The container's name or id as given by the client, for errors. */
  readonly container: string;
}

/** The stat of a path. */
export interface PathStat {
  readonly name: string;
  readonly sizeBytes: number;
  /** `st_mode`. */
  readonly mode: number;
  readonly modified: { readonly seconds: bigint; readonly nanoseconds: number };
  /** The target of a link, in the container; otherwise empty. */
  readonly linkTarget: string;
}

/** A message to a Worker. Other Workers use this protocol with other types for `Job` and `Info`. */
export type ToCopyWorker<Job = CopyJob> =
  | { readonly kind: "begin"; readonly id: number; readonly job: Job }
  /** A chunk of the archive to unpack. */
  | { readonly kind: "chunk"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly id: number }
  /** One more chunk may be sent. */
  | { readonly kind: "credit"; readonly id: number }
  | { readonly kind: "cancel"; readonly id: number };

export type FromCopyWorker<Info = PathStat> =
  | { readonly kind: "info"; readonly id: number; readonly info: Info }
  | { readonly kind: "chunk"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "credit"; readonly id: number }
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly error: SerialisedError };

/** Maximum number of chunks in flight in one direction. */
export const WINDOW_CHUNKS = 8;
