/** Mounts in a container's record. Plain JSON. */
import type { Digest } from "../../image/digest.ts";
import type { ContainerMount } from "../../runtime/spec/mod.ts";

/** A mount as requested. */
export interface RequestedMount {
  readonly mount: ContainerMount;
  readonly createSource: boolean;
  /** The options of `-v`, verbatim. */
  readonly mode: string;
  /** Whether it was given as `--tmpfs`, which Docker does not list among the mounts. */
  readonly isTmpfsFlag?: boolean;
  /** The mounted volume. */
  readonly volume?: VolumeUse;
  /** Properties of the volume if it has to be created. */
  readonly wish?: RequestedVolume;
  /** The mounted image. */
  readonly image?: ImageUse;
}

/** Properties of a volume that may not exist yet. */
export interface RequestedVolume {
  readonly driver?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | null | undefined;
  readonly options?: Readonly<Record<string, string>> | null | undefined;
}

/** A container's use of a volume. */
export interface VolumeUse {
  /** Empty until an anonymous volume is created. */
  readonly name: string;
  /** Whether the volume was created without a name, so that it may be removed with its container. */
  readonly isAnonymous: boolean;
  /** Whether the image's content at the target is copied into an empty volume (copy-up). */
  readonly copies: boolean;
  /** Path below the root; the whole of it if not given. */
  readonly subpath?: string;
}

/** A container's use of an image other than its own. */
export interface ImageUse {
  /** The reference, verbatim. */
  readonly name: string;
  /** Path below the root; the whole of it if not given. */
  readonly subpath?: string;
  /** The image that the reference named when the container was created. */
  readonly found?: MountedImage;
}

/** An image that is mounted in a container. */
export interface MountedImage {
  readonly id: Digest;
  /** Layers, lowest first. */
  readonly layers: readonly Digest[];
  /** The snapshot with its files, which this container alone uses. */
  readonly snapshot: string;
}
