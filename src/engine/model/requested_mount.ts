/** Mounts as a container's record has them. Plain JSON. */
import type { Digest } from "../../image/digest.ts";
import type { ContainerMount } from "../../runtime/spec/mod.ts";

/** A mount, and whether its source folder is made when it is missing (`-v` does, `--mount` doesn't). */
export interface RequestedMount {
  readonly mount: ContainerMount;
  readonly createSource: boolean;
  /** The options of `-v` as they were given. */
  readonly mode: string;
  /** It came as `--tmpfs`, which Docker doesn't list among the mounts. */
  readonly isTmpfsFlag?: boolean;
  /** The volume that is mounted there. */
  readonly volume?: VolumeUse;
  /** What the volume is to be like if it has to be made. */
  readonly wish?: RequestedVolume;
  /** The image whose files are mounted there. */
  readonly image?: ImageUse;
}

/** What somebody wants of a volume that there may not be yet. */
export interface RequestedVolume {
  readonly driver?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | null | undefined;
  readonly options?: Readonly<Record<string, string>> | null | undefined;
}

/** How a container uses a volume. */
export interface VolumeUse {
  /** Empty until an anonymous one is made. */
  readonly name: string;
  /** Nobody gave it a name: it may go with its container. */
  readonly isAnonymous: boolean;
  /** Whether an empty one gets what the image has at the target. */
  readonly copies: boolean;
  /** What of it is mounted; all of it if not given. */
  readonly subpath?: string;
}

/** How a container uses an image that it doesn't stand on. */
export interface ImageUse {
  /** As the caller named it. */
  readonly name: string;
  /** What of it is mounted; all of it if not given. */
  readonly subpath?: string;
  /** Which one that is; from the container's creation on. */
  readonly found?: MountedImage;
}

/** An image that is mounted in a container. */
export interface MountedImage {
  readonly id: Digest;
  /** Lowest first. */
  readonly layers: readonly Digest[];
  /** The snapshot in which its files are seen: like a container's own, and nobody else's. */
  readonly snapshot: string;
}
