/** Inconsistent manifests and indexes (numbers 31 and 33 to 35 of the list). */
import { bytesOf, digestOf, readAll } from "./bytes.ts";
import { descriptorOf, lyingContent, memoryContent } from "./content.ts";
import type { HostileManifest } from "./malicious.ts";
import {
  hostPlatform,
  type Image,
  ImageBuilder,
  type ImageFiles,
  indexOf,
  type Json,
  withTop,
} from "./image_builder.ts";
import { INDEX_TYPES, SCHEMA1_TYPE } from "./media_types.ts";
import { file } from "./tar_entries.ts";

const small = (): Promise<Image> => new ImageBuilder().layer([file("file", "content")]).build();

function manifest(
  number: number | undefined,
  name: string,
  what: string,
  build: (image: Image) => ImageFiles | Promise<ImageFiles>,
): HostileManifest {
  return { kind: "manifest", number, name, what, expect: "refused", build: async () => await build(await small()) };
}

/** Returns the image with a changed manifest object. */
async function edited(image: Image, edit: (manifest: Json) => void): Promise<ImageFiles> {
  const object = JSON.parse(await textOf(image)) as Json;
  edit(object);
  return withTop(image, JSON.stringify(object));
}

/** Returns the image with a changed manifest text. */
async function retyped(image: Image, edit: (text: string) => string, mediaType?: string): Promise<ImageFiles> {
  return withTop(image, edit(await textOf(image)), mediaType);
}

async function textOf(image: ImageFiles): Promise<string> {
  return new TextDecoder().decode(await readAll(image.top.open()));
}

/** Nests indexes, `depth` of them above the image. */
function nested(image: Image, depth: number): ImageFiles {
  let files: ImageFiles = indexOf([image]);
  for (let level = 1; level < depth; level++) {
    const descriptor = { ...descriptorOf(files.top), platform: image.platform };
    const above = indexOf([], { extra: [descriptor] });
    files = { top: above.top, manifests: [files.top, ...files.manifests], blobs: files.blobs };
  }
  return files;
}

/** Returns an index whose only entry is a digest under which the registry serves the same index again. */
function selfReferring(image: Image): ImageFiles {
  const digest = digestOf(bytesOf("self"));
  const platform = hostPlatform();
  const { top } = indexOf([], { extra: [{ mediaType: INDEX_TYPES.oci, digest, size: 300, platform }] });
  return { top, manifests: [lyingContent({ digest }, top)], blobs: image.blobs };
}

const descriptors = (manifest: Json): Json[] => manifest.layers as Json[];

export const HOSTILE_MANIFESTS: readonly HostileManifest[] = [
  manifest(31, "manifest-64mib", "a manifest of 64 MiB", (image) => (
    retyped(image, (text) => text.slice(0, -1) + " ".repeat(64 * 1024 * 1024) + "}")
  )),
  manifest(33, "manifest-digest", "other bytes than the manifest's digest says", (image) => (
    { ...image, top: lyingContent({ digest: digestOf(bytesOf("other")) }, image.top) }
  )),
  manifest(34, "layers-and-manifests", "both layers and manifests", (image) => (
    edited(image, (object) => object.manifests = [descriptorOf(image.top)])
  )),
  manifest(34, "index-with-layers", "an index that has layers too", async (image) => {
    const index = JSON.parse(await textOf(indexOf([image]))) as Json;
    const { layers, config } = JSON.parse(await textOf(image)) as Json;
    const top = memoryContent(INDEX_TYPES.oci, bytesOf(JSON.stringify({ ...index, layers, config })));
    return { top, manifests: [image.top], blobs: image.blobs };
  }),
  manifest(34, "duplicate-keys", "the key layers twice", (image) => (
    retyped(image, (text) => `${text.slice(0, -1)},"layers":[]}`)
  )),
  manifest(34, "case-variant-keys", "the keys layers and Layers", (image) => (
    retyped(image, (text) => `${text.slice(0, -1)},"Layers":[]}`)
  )),
  manifest(34, "escaped-duplicate-keys", "the key layers twice, once with an escape", (image) => (
    retyped(image, (text) => `${text.slice(0, -1)},"l\\u0061yers":[]}`)
  )),
  manifest(34, "media-type-differs", "an image manifest that is served as an index", (image) => (
    retyped(image, (text) => text, INDEX_TYPES.oci)
  )),
  manifest(35, "index-nested-6", "six indexes in one another", (image) => nested(image, 6)),
  manifest(35, "index-self", "an index that names itself", selfReferring),
  manifest(undefined, "schema1", "a manifest of Docker's old schema 1", () => schema1()),
  manifest(undefined, "manifest-deep", "200,000 arrays in one another", (image) => (
    retyped(image, (text) => `${text.slice(0, -1)},"x":${"[".repeat(200_000)}${"]".repeat(200_000)}}`)
  )),
  manifest(undefined, "manifest-not-json", "HTML instead of a manifest", (image) => (
    withTop(image, "<html>Sign in to the hotel's network</html>", "text/html")
  )),
  manifest(undefined, "manifest-array", "an array instead of an object", (image) => withTop(image, "[]")),
  manifest(undefined, "digest-with-path", "a digest that is a path", (image) => (
    edited(image, (object) => descriptors(object)[0]!.digest = "sha256:../../../../../../etc/passwd")
  )),
  manifest(undefined, "digest-other-algorithm", "a digest of an unknown algorithm", (image) => (
    edited(image, (object) => descriptors(object)[0]!.digest = `md5:${"0".repeat(32)}`)
  )),
  manifest(
    undefined,
    "descriptor-size-negative",
    "a negative size",
    (image) => edited(image, (object) => descriptors(object)[0]!.size = -1),
  ),
  manifest(undefined, "descriptor-size-fraction", "a size that is no whole number", (image) => (
    edited(image, (object) => descriptors(object)[0]!.size = 1.5)
  )),
  manifest(undefined, "layer-type-unknown", "a layer of an unknown media type", (image) => (
    edited(image, (object) => descriptors(object)[0]!.mediaType = "application/x-unknown")
  )),
  manifest(undefined, "no-config", "no config", (image) => edited(image, (object) => delete object.config)),
];

function schema1(): ImageFiles {
  const history = [{ v1Compatibility: JSON.stringify({ id: "0".repeat(64), architecture: "amd64", os: "linux" }) }];
  const object = { schemaVersion: 1, name: "demo/old", tag: "latest", architecture: "amd64", fsLayers: [], history };
  return { top: memoryContent(SCHEMA1_TYPE, bytesOf(JSON.stringify(object))), manifests: [], blobs: [] };
}
