/**
 * @module
 * Images for tests, built only from the machine's files. Independent of the engine's code on purpose: tar headers,
 * digests and expected trees come from here, node:crypto, node:zlib and GNU tar.
 */
export { bigImage, type BigImageOptions } from "./big.ts";
export { busyboxBuilder, busyboxEntries, busyboxImage, type BusyboxOptions } from "./busybox.ts";
export { bytesOf, concat, digestOf, readAll } from "./bytes.ts";
export {
  compressed,
  type Compression,
  type Content,
  type Descriptor,
  descriptorOf,
  lyingContent,
  memoryContent,
} from "./content.ts";
export { debianImage } from "./debian.ts";
export { dockerArchive, writeDockerArchive } from "./docker_archive.ts";
export { expectedTree } from "./expected_tree.ts";
export { featureImage, type ImageWithTree } from "./features.ts";
export { CAP_NET_BIND_SERVICE, CAP_NET_RAW, fileCapability } from "./file_capability.ts";
export { HOSTILE_IMAGES, type HostileImage, rootFindings } from "./malicious.ts";
export { hostShellImage } from "./host_shell.ts";
export {
  type BuilderOptions,
  type ContainerConfig,
  CREATED,
  hostPlatform,
  type Image,
  ImageBuilder,
  type ImageFiles,
  indexOf,
  type Platform,
  withTop,
} from "./image_builder.ts";
export { type Layer, layerOf, type LayerOptions, makeLayer, tarFile } from "./layer.ts";
export { manyEntries, manyEntriesLayer } from "./many_entries.ts";
export { CONFIG_TYPES, type ImageFormat, INDEX_TYPES, layerType, MANIFEST_TYPES } from "./media_types.ts";
export { blobPath, layoutArchive, readOciLayout, writeOciLayout } from "./oci_layout.ts";
export { pushImage, type PushOptions } from "./push.ts";
export { serverImages, type ServerName } from "./servers.ts";
export * from "./tar_entries.ts";
export { base256, encodeHeader, type HeaderFields } from "./tar_header.ts";
export { gnuLongName, padded, paxMember, tarBytes, tarChunks } from "./tar_writer.ts";
export { cached, testCacheDir } from "./test_cache.ts";
export { Victim } from "./victim.ts";
