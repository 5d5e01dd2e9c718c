/** OCI image layout on disk (image-spec v1.1, image-layout.md): writes a layout, and reads it back. */
import { readAll } from "./bytes.ts";
import { type Content, type Descriptor, descriptorOf, fileContent } from "./content.ts";
import type { Image, ImageFiles, Platform } from "./image_builder.ts";
import { type Layer, layerOf } from "./layer.ts";
import { compressionOf } from "./media_types.ts";
import { file, type TarEntry } from "./tar_entries.ts";
import { tarChunks } from "./tar_writer.ts";

interface ManifestJson {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface ConfigJson extends Platform {
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

/** Writes `image` into `dir` (created if missing); `name` becomes `org.opencontainers.image.ref.name`. */
export async function writeOciLayout(dir: string, image: ImageFiles, name = "latest"): Promise<void> {
  await Deno.mkdir(`${dir}/blobs/sha256`, { recursive: true });
  for (const content of [...image.blobs, ...image.manifests, image.top]) await writeBlob(dir, content);
  const top = { ...descriptorOf(image.top), annotations: { "org.opencontainers.image.ref.name": name } };
  await writeJson(`${dir}/index.json`, { schemaVersion: 2, manifests: [top] });
  await writeJson(`${dir}/oci-layout`, { imageLayoutVersion: "1.0.0" });
}

/** Reads a layout with one single-platform image; the blobs stay in their files. */
export async function readOciLayout(dir: string): Promise<Image> {
  const index = await readJson<{ manifests: Descriptor[] }>(`${dir}/index.json`);
  const [described] = index.manifests;
  if (!described) throw new Error(`${dir}: the index is empty`);
  const content = (descriptor: Descriptor) => storedContent(dir, descriptor);
  const top = content(described);
  const manifest = await readJson<ManifestJson>(blobPath(dir, top.digest));
  const config = content(manifest.config);
  const parsed = await readJson<ConfigJson>(blobPath(dir, config.digest));
  const layers = manifest.layers.map((layer, at) => storedLayer(content(layer), parsed.rootfs.diff_ids[at] ?? ""));
  const { os, architecture, variant } = parsed;
  const platform = variant ? { os, architecture, variant } : { os, architecture };
  return { top, manifests: [], blobs: [config, ...layers.map((layer) => layer.blob)], platform, config, layers };
}

/** Returns the path of the content with this digest in a layout. */
export function blobPath(dir: string, digest: string): string {
  return `${dir}/blobs/${digest.replace(":", "/")}`;
}

function storedContent(dir: string, descriptor: Descriptor): Content {
  return fileContent(descriptor.mediaType, descriptor.digest, blobPath(dir, descriptor.digest));
}

function storedLayer(blob: Content, diffId: string): Layer {
  return layerOf(blob, diffId, compressionOf(blob.mediaType));
}

async function writeBlob(dir: string, content: Content): Promise<void> {
  const path = blobPath(dir, content.digest);
  const partial = `${path}.partial`;
  await Deno.writeFile(partial, ReadableStream.from(content.open()));
  await Deno.rename(partial, path);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(value));
}

async function readJson<Parsed>(path: string): Promise<Parsed> {
  return JSON.parse(new TextDecoder().decode(await readAll(fileContent("", "", path).open())));
}

/** Yields the layout as a tar. Blobs are stored under the digests of their descriptors, even if these are wrong. */
export async function* layoutArchive(image: ImageFiles, name = "latest"): AsyncIterable<Uint8Array> {
  const written = new Set<string>();
  for (const content of [...image.blobs, ...image.manifests, image.top]) {
    const path = blobPath("blobs", content.digest).slice("blobs/".length);
    if (written.has(path)) continue;
    written.add(path);
    const sizeBytes = content.actualSizeBytes ?? content.sizeBytes;
    // Small enough for memory.
    const bytes = await readAll(content.open());
    yield* members([file(path, { sizeBytes, chunks: () => [bytes] })]);
  }
  const top = { ...descriptorOf(image.top), annotations: { "org.opencontainers.image.ref.name": name } };
  yield* members([
    file("index.json", JSON.stringify({ schemaVersion: 2, manifests: [top] })),
    file("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" })),
  ]);
  yield* tarChunks([]);
}

const members = (entries: readonly TarEntry[]): Iterable<Uint8Array> => tarChunks(entries, { incomplete: true });
