/** Media types of OCI image-spec v1.1 and Docker's image manifest version 2, schema 2. */
import type { Compression } from "./content.ts";

export type ImageFormat = "oci" | "docker";

export const MANIFEST_TYPES: Readonly<Record<ImageFormat, string>> = {
  oci: "application/vnd.oci.image.manifest.v1+json",
  docker: "application/vnd.docker.distribution.manifest.v2+json",
};

export const INDEX_TYPES: Readonly<Record<ImageFormat, string>> = {
  oci: "application/vnd.oci.image.index.v1+json",
  docker: "application/vnd.docker.distribution.manifest.list.v2+json",
};

export const CONFIG_TYPES: Readonly<Record<ImageFormat, string>> = {
  oci: "application/vnd.oci.image.config.v1+json",
  docker: "application/vnd.docker.container.image.v1+json",
};

export const SCHEMA1_TYPE = "application/vnd.docker.distribution.manifest.v1+prettyjws";

const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";
const LAYER_TYPES: Readonly<Record<ImageFormat, Readonly<Record<Compression, string>>>> = {
  oci: {
    none: "application/vnd.oci.image.layer.v1.tar",
    gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
    zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  },
  docker: { none: DOCKER_LAYER, gzip: `${DOCKER_LAYER}.gzip`, zstd: `${DOCKER_LAYER}.zstd` },
};

export function layerType(format: ImageFormat, compression: Compression): string {
  return LAYER_TYPES[format][compression];
}

/** Returns the compression that a layer's media type names. */
export function compressionOf(mediaType: string): Compression {
  if (/[.+]gzip$/.test(mediaType)) return "gzip";
  return /[.+]zstd$/.test(mediaType) ? "zstd" : "none";
}
