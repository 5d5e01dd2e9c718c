/**
 * @module
 * The supported media types (OCI image-spec v1.1, media-types.md; Docker image manifest v2, schema 2), and what each
 * one denotes. A layer's compression is never derived from its media type, but from its bytes.
 */

/** What a media type denotes. */
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
  "application/octet-stream": "config", // Early Docker Hub images, which Docker still accepts.
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

/** Returns what `mediaType` denotes, or undefined if it isn't supported. */
export function kindOf(mediaType: string): MediaKind | undefined {
  return Object.hasOwn(KINDS, mediaType) ? KINDS[mediaType] : undefined;
}

/**
 * Returns whether a layer of this type may be fetched from its descriptor's `urls`, since registries don't store it.
 */
export function isForeignLayer(mediaType: string): boolean {
  return kindOf(mediaType) === "layer" && /\.(foreign|nondistributable)\./.test(mediaType);
}

/** The `Accept` header of a manifest request. */
export const MANIFEST_ACCEPT = [OCI_INDEX, DOCKER_MANIFEST_LIST, OCI_MANIFEST, DOCKER_MANIFEST].join(", ");
