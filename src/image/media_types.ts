/**
 * @module
 * The media types that are understood (OCI image-spec v1.1, media-types.md; Docker image manifest v2, schema 2), and what
 * each is for. Compression is never taken from here: the bytes decide.
 */

/** What a media type names. */
export type MediaKind = "image" | "index" | "config" | "layer" | "schema1";

const DOCKER = "application/vnd.docker.";
const OCI = "application/vnd.oci.image.";

export const DOCKER_MANIFEST = `${DOCKER}distribution.manifest.v2+json`;
export const DOCKER_MANIFEST_LIST = `${DOCKER}distribution.manifest.list.v2+json`;
export const DOCKER_CONFIG = `${DOCKER}container.image.v1+json`;
export const DOCKER_LAYER = `${DOCKER}image.rootfs.diff.tar.gzip`;
export const OCI_MANIFEST = `${OCI}manifest.v1+json`;
export const OCI_INDEX = `${OCI}index.v1+json`;
export const OCI_CONFIG = `${OCI}config.v1+json`;
export const OCI_LAYER = `${OCI}layer.v1.tar`;

const KINDS: Readonly<Record<string, MediaKind>> = {
  [DOCKER_MANIFEST]: "image",
  [OCI_MANIFEST]: "image",
  [DOCKER_MANIFEST_LIST]: "index",
  [OCI_INDEX]: "index",
  [`${DOCKER}distribution.manifest.v1+json`]: "schema1",
  [`${DOCKER}distribution.manifest.v1+prettyjws`]: "schema1",
  [DOCKER_CONFIG]: "config",
  [OCI_CONFIG]: "config",
  "application/octet-stream": "config", // Early Docker Hub images, which Docker still takes.
  [DOCKER_LAYER]: "layer",
  [`${DOCKER}image.rootfs.diff.tar`]: "layer",
  [`${DOCKER}image.rootfs.diff.tar.zstd`]: "layer",
  [`${DOCKER}image.rootfs.foreign.diff.tar`]: "layer",
  [`${DOCKER}image.rootfs.foreign.diff.tar.gzip`]: "layer",
  [OCI_LAYER]: "layer",
  [`${OCI_LAYER}+gzip`]: "layer",
  [`${OCI_LAYER}+zstd`]: "layer",
  [`${OCI}layer.nondistributable.v1.tar`]: "layer",
  [`${OCI}layer.nondistributable.v1.tar+gzip`]: "layer",
  [`${OCI}layer.nondistributable.v1.tar+zstd`]: "layer",
};

/** What `mediaType` names; undefined when it isn't one of ours. */
export function kindOf(mediaType: string): MediaKind | undefined {
  return Object.hasOwn(KINDS, mediaType) ? KINDS[mediaType] : undefined;
}

/** Layers that may be fetched from their descriptor's `urls` because registries don't keep them. */
export function isForeignLayer(mediaType: string): boolean {
  return kindOf(mediaType) === "layer" && /\.(foreign|nondistributable)\./.test(mediaType);
}

/** The `Accept` header of a manifest request. */
export const MANIFEST_ACCEPT = [OCI_INDEX, DOCKER_MANIFEST_LIST, OCI_MANIFEST, DOCKER_MANIFEST].join(", ");
