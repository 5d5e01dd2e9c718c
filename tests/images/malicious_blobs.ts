/** Blobs that do not match their descriptors (numbers 36 and 20 of the list). */
import { bytesOf, concat, readAll } from "./bytes.ts";
import { type Content, lyingContent, memoryContent } from "./content.ts";
import type { HostileManifest } from "./malicious.ts";
import { type Image, ImageBuilder, type ImageFiles } from "./image_builder.ts";
import { layerOf, makeLayer } from "./layer.ts";
import { layerType } from "./media_types.ts";
import { file } from "./tar_entries.ts";

type Change = (bytes: Uint8Array) => Uint8Array;

/** Differs for each name, so that no blob exists already when another image is offered. */
const small = (name: string): Promise<Image> => new ImageBuilder().layer([file(name, "content ".repeat(500))]).build();

/** The registry serves other bytes than the manifest's size and digest describe. */
function served(name: string, what: string, which: "layer" | "config", change: Change): HostileManifest {
  return {
    ...{ kind: "manifest", number: 36, name, what, expect: "refused" },
    async build() {
      const image = await small(name);
      const target = which === "layer" ? image.layers[0]!.blob : image.config;
      return replaceBlob(image, target, change(await readAll(target.open())));
    },
  };
}

/** The manifest matches the bytes, which are not a valid compressed layer. */
function promised(number: number, name: string, what: string, change: Change): HostileManifest {
  return {
    ...{ kind: "manifest", number, name, what, expect: "refused" },
    async build() {
      const { diffId, blob } = await makeLayer({ entries: [file(name, "content ".repeat(500))] });
      const changed = memoryContent(blob.mediaType, change(await readAll(blob.open())));
      return await new ImageBuilder().addLayer(layerOf(changed, diffId, "gzip")).build();
    },
  };
}

function replaceBlob(image: Image, target: Content, bytes: Uint8Array): ImageFiles {
  const { digest, sizeBytes } = target;
  const lie = lyingContent({ digest, sizeBytes }, memoryContent(target.mediaType, bytes));
  return { ...image, blobs: image.blobs.map((blob) => blob === target ? lie : blob) };
}

const flipLast: Change = (bytes) => bytes.map((byte, at) => at === bytes.length - 10 ? byte ^ 1 : byte);
const junk = bytesOf("junk at the end");

const wrongType: HostileManifest = {
  ...{ kind: "manifest", name: "layer-mislabelled", expect: "contained" },
  what: "a plain tar that is labelled gzip: what the bytes are decides",
  async build() {
    const { diffId, blob } = await makeLayer({ entries: [file("file", "x")] }, { compression: "none" });
    const labelled = lyingContent({ mediaType: layerType("oci", "gzip") }, blob);
    return await new ImageBuilder().addLayer(layerOf(labelled, diffId, "none")).build();
  },
};

export const HOSTILE_BLOBS: readonly HostileManifest[] = [
  served("layer-longer", "a layer with more bytes than promised", "layer", (bytes) => concat([bytes, junk])),
  served(
    "layer-endless",
    "a layer 32 MiB longer than promised",
    "layer",
    (bytes) => concat([bytes, new Uint8Array(1 << 25)]),
  ),
  served("layer-shorter", "a layer with fewer bytes than promised", "layer", (bytes) => bytes.subarray(0, -20)),
  served("layer-flipped", "a layer with one flipped bit", "layer", flipLast),
  served("layer-empty", "no bytes instead of a layer", "layer", () => new Uint8Array()),
  served(
    "config-longer",
    "a configuration with more bytes than promised",
    "config",
    (bytes) => concat([bytes, bytesOf(" ")]),
  ),
  served("config-flipped", "a configuration with one flipped bit", "config", flipLast),
  promised(36, "gzip-trailing-junk", "junk after the end of the gzip stream", (bytes) => concat([bytes, junk])),
  promised(20, "gzip-truncated", "a gzip stream that ends too early", (bytes) => bytes.subarray(0, -20)),
  promised(20, "gzip-checksum", "a gzip stream with a wrong checksum at its end", (bytes) => (
    bytes.map((byte, at) => at === bytes.length - 6 ? byte ^ 0xff : byte)
  )),
  wrongType,
];
