/**
 * The files that `docker save` of Docker 25 and later writes: an OCI image layout with uncompressed layers, and
 * `manifest.json` and `repositories` for readers of the older format. The output is deterministic.
 */
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex, hexOf } from "../digest.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "../media_types.ts";
import { canonicalString, familiarName, familiarString, type Reference } from "../reference.ts";
import { DOCKER_MANIFEST_NAME } from "./docker_archive.ts";
import { FULL_NAME, OCI_INDEX_NAME, REF_NAME } from "./oci_layout.ts";

/** A stored layer. */
export interface PlainLayer {
  readonly diffId: Digest;
  /** Size of the uncompressed tar, in bytes. */
  readonly tarBytes: number;
}

/** An image to save. */
export interface ImageToSave {
  readonly id: Digest;
  readonly configBytes: Uint8Array;
  /** Lowest layer first. */
  readonly layers: readonly PlainLayer[];
  /** References with tags. */
  readonly names: readonly Reference[];
}

/** A file of the archive: its bytes, or the layer whose tar it contains. */
export type LayoutFile =
  | { readonly name: string; readonly bytes: Uint8Array }
  | { readonly name: string; readonly layer: PlainLayer };

const LAYOUT = { imageLayoutVersion: "1.0.0" };

/** Encodes the manifest of an image with uncompressed layers. */
export function plainManifest({ id, configBytes, layers }: Omit<ImageToSave, "names">): Uint8Array<ArrayBuffer> {
  return json({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: id, size: configBytes.length },
    layers: layers.map(layerDescriptor),
  });
}

/** Returns all files, sorted by name. */
export async function layoutFiles(images: readonly ImageToSave[]): Promise<LayoutFile[]> {
  const files = new Map<string, LayoutFile>();
  const add = (name: string, bytes: Uint8Array) => files.set(name, { name, bytes });
  const descriptors: unknown[] = [];
  for (const image of images) {
    const manifest = plainManifest(image);
    const digest = digestOfHex(await sha256Hex(manifest));
    descriptors.push(...descriptorsOf(image, digest, manifest.length));
    add(blobName(digest), manifest);
    add(blobName(image.id), image.configBytes);
    for (const layer of image.layers) files.set(blobName(layer.diffId), { name: blobName(layer.diffId), layer });
  }
  add("oci-layout", json(LAYOUT));
  add(OCI_INDEX_NAME, json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: descriptors }));
  add(DOCKER_MANIFEST_NAME, json(images.map(dockerManifest)));
  const repositories = repositoriesOf(images);
  if (Object.keys(repositories).length > 0) add("repositories", json(repositories));
  return [...files.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Returns one descriptor for each name; for an image without names, one without annotations. */
function descriptorsOf({ names }: ImageToSave, digest: Digest, size: number): unknown[] {
  const plain = { mediaType: OCI_MANIFEST, digest, size };
  if (names.length === 0) return [plain];
  return names.map((name) => ({
    ...plain,
    annotations: { [FULL_NAME]: canonicalString(name), [REF_NAME]: name.tag },
  }));
}

function dockerManifest({ id, names, layers }: ImageToSave): unknown {
  return {
    Config: blobName(id),
    RepoTags: names.length === 0 ? null : names.map(familiarString),
    Layers: layers.map(({ diffId }) => blobName(diffId)),
    LayerSources: Object.fromEntries(layers.map((layer) => [layer.diffId, layerDescriptor(layer)])),
  };
}

/** Maps repository and tag to the topmost layer, for very old readers. */
function repositoriesOf(images: readonly ImageToSave[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { names, layers } of images) {
    const top = layers.at(-1);
    if (top === undefined) continue;
    for (const name of names) (repositories[familiarName(name)] ??= {})[name.tag ?? ""] = hexOf(top.diffId);
  }
  return repositories;
}

const layerDescriptor = ({ diffId, tarBytes }: PlainLayer) => ({
  mediaType: OCI_LAYER,
  size: tarBytes,
  digest: diffId,
});

const blobName = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

const json = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));
