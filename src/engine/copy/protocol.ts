/**
 * @module
 * Messages between the engine and its archive Workers, which look into containers' roots, pack what is there and unpack
 * into them: file systems may be slow, or hang. A Worker has one job at a time; bytes flow with credit in both directions.
 */
import type { SerialisedError } from "../../errors.ts";

/** Something that is mounted in a container. */
export interface ViewMount {
  /** Absolute, in the container. */
  readonly target: string;
  /** Absolute, on the host. Without one there is nothing to see while the container doesn't run. */
  readonly source?: string | undefined;
  /** What of the source is seen, if not all of it; links lead to nowhere outside. */
  readonly subpath?: string | undefined;
  /** Nobody but the engine can change what the source's path leads to: it counts also while the container runs. */
  readonly isOwn: boolean;
  /** Whether what is mounted below the source is seen too. */
  readonly recursive: boolean;
  readonly readOnly: boolean;
}

/** A container's root as somebody inside sees it. */
export interface ViewSpec {
  /** Where its root is mounted on the host. */
  readonly root: string;
  readonly readOnly: boolean;
  /** Parents before children. */
  readonly mounts: readonly ViewMount[];
  /** The first process of a container that runs: what it sees at a mount's target is that mount. */
  readonly process?: { readonly pid: number; readonly startTicks: string } | undefined;
}

/** What is to be done. Paths are as a client gave them. */
export type CopyTask =
  | { readonly kind: "stat"; readonly path: string }
  /** Gives the facts about the path, then the archive. */
  | { readonly kind: "pack"; readonly path: string }
  /** The whole root, without what is mounted in it; with `keepsAll` the root itself too, and what Docker leaves out. */
  | { readonly kind: "export"; readonly keepsAll?: boolean }
  /**
   * Copies what is in a folder, if there is one, to a folder of the host, durably, if that is empty; with `replaces` also to one
   * that isn't, over what has the same names there.
   */
  | { readonly kind: "copy"; readonly path: string; readonly to: string; readonly replaces?: boolean }
  | {
    readonly kind: "unpack";
    readonly path: string;
    /** A file may take the place of a folder, and the other way round. */
    readonly mayReplaceDirs: boolean;
    /** Who is to own it all, as `USER` of the container names them; the archive says it where this is undefined. */
    readonly user?: string | undefined;
    /** Whether the folder itself gets what the archive says of it. */
    readonly setsDir?: boolean;
    /** Whether all of it is to outlast a power cut once the job is done. */
    readonly isDurable?: boolean;
  };

export interface CopyJob {
  readonly view: ViewSpec;
  readonly task: CopyTask;
  /** The container as it was named, for errors. */
  readonly container: string;
}

/** Facts about a path. */
export interface PathStat {
  readonly name: string;
  readonly sizeBytes: number;
  /** `st_mode`. */
  readonly mode: number;
  readonly modified: { readonly seconds: bigint; readonly nanoseconds: number };
  /** Where a link leads, in the container; else empty. */
  readonly linkTarget: string;
}

/** `Job` and `Facts` are other ones for other Workers that speak this protocol. */
export type ToCopyWorker<Job = CopyJob> =
  | { readonly kind: "begin"; readonly id: number; readonly job: Job }
  /** A chunk of the archive to unpack. */
  | { readonly kind: "chunk"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly id: number }
  /** One more chunk may be sent. */
  | { readonly kind: "credit"; readonly id: number }
  | { readonly kind: "cancel"; readonly id: number };

export type FromCopyWorker<Facts = PathStat> =
  | { readonly kind: "info"; readonly id: number; readonly info: Facts }
  | { readonly kind: "chunk"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "credit"; readonly id: number }
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly error: SerialisedError };

/** Chunks that may be under way in one direction. */
export const WINDOW_CHUNKS = 8;
