/** A layer: the compressed blob, the digest of the uncompressed tar, and the tar itself. */
import {
  compressed,
  type Compression,
  type Content,
  decompressed,
  fileContent,
  memoryContent,
  Meter,
} from "./content.ts";
import { readAll } from "./bytes.ts";
import { type ImageFormat, layerType } from "./media_types.ts";
import type { TarEntry } from "./tar_entries.ts";
import { tarChunks } from "./tar_writer.ts";

export interface Layer {
  readonly blob: Content;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  readonly compression: Compression;
  /** The uncompressed tar. */
  openTar(): AsyncIterable<Uint8Array>;
}

export interface LayerOptions {
  readonly format?: ImageFormat;
  readonly compression?: Compression;
  /** The directory of the blob's file; without it the blob stays in memory. */
  readonly dir?: string;
}

/** The source of a layer: entries, or the bytes of a tar. */
export type LayerSource =
  | { readonly entries: Iterable<TarEntry> }
  | { readonly tar: Iterable<Uint8Array> | AsyncIterable<Uint8Array> };

/** Builds a layer; the source is read once. */
export async function makeLayer(source: LayerSource, options: LayerOptions = {}): Promise<Layer> {
  const compression = options.compression ?? "gzip";
  const mediaType = layerType(options.format ?? "oci", compression);
  const tar = new Meter();
  const chunks = compressed(tar.read("entries" in source ? tarChunks(source.entries) : source.tar), compression);
  const blob = options.dir
    ? await blobInDir(mediaType, chunks, options.dir)
    : memoryContent(mediaType, await readAll(chunks));
  return layerOf(blob, tar.digest(), compression);
}

/** Returns a layer from an existing blob. */
export function layerOf(blob: Content, diffId: string, compression: Compression): Layer {
  return { blob, diffId, compression, openTar: () => decompressed(blob.open(), compression) };
}

/** Reads a tar file, for `{ tar: tarFile(path) }`. */
export function tarFile(path: string): AsyncIterable<Uint8Array> {
  return fileContent("", "", path).open();
}

async function blobInDir(mediaType: string, chunks: AsyncIterable<Uint8Array>, directory: string): Promise<Content> {
  await Deno.mkdir(directory, { recursive: true });
  const partial = await Deno.makeTempFile({ dir: directory, prefix: ".partial-" });
  const meter = new Meter();
  await Deno.writeFile(partial, ReadableStream.from(meter.read(chunks)));
  const digest = meter.digest();
  const path = `${directory}/${digest.slice("sha256:".length)}`;
  await Deno.rename(partial, path);
  return fileContent(mediaType, digest, path);
}
