/** The archive of `docker save` (the older form: `manifest.json`, a config file and plain layer tars). */
import { bytesOf, readAll } from "./bytes.ts";
import type { Image } from "./image_builder.ts";
import { dir, file, type TarEntry } from "./tar_entries.ts";
import { tarChunks } from "./tar_writer.ts";

/**
 * Yields the archive in chunks. `repoTags` such as `["demo/busybox:latest"]`. One layer at a time is held in memory.
 */
export async function* dockerArchive(image: Image, repoTags: readonly string[]): AsyncIterable<Uint8Array> {
  const configName = `${image.config.digest.slice("sha256:".length)}.json`;
  const layerNames = image.layers.map((layer) => `${layer.diffId.slice("sha256:".length)}/layer.tar`);
  const manifest = [{ Config: configName, RepoTags: repoTags, Layers: layerNames }];
  for (const [at, layer] of image.layers.entries()) {
    const name = layerNames[at]!;
    if (layerNames.indexOf(name) < at) continue;
    yield* members([dir(name.slice(0, -"/layer.tar".length)), file(name, await readAll(layer.openTar()))]);
  }
  yield* members([
    file(configName, await readAll(image.config.open())),
    file("manifest.json", bytesOf(JSON.stringify(manifest))),
  ]);
  yield* tarChunks([]);
}

/** Writes the archive to `path`. */
export async function writeDockerArchive(path: string, image: Image, repoTags: readonly string[]): Promise<void> {
  await Deno.writeFile(path, ReadableStream.from(dockerArchive(image, repoTags)));
}

const members = (entries: readonly TarEntry[]): Iterable<Uint8Array> => tarChunks(entries, { incomplete: true });
