/** Reads OCI image layouts in a tar (OCI image-spec v1.1, image-layout.md), starting from `index.json`. */
import { TsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { parseImageConfig } from "../config.ts";
import { hexOf } from "../digest.ts";
import { type Descriptor, type ImageManifest, parseManifest } from "../manifest.ts";
import { kindOf, type MediaKind, OCI_INDEX } from "../media_types.ts";
import { formatPlatform, hostPlatform, matchingManifests, type Platform } from "../platform.ts";
import { canonicalString, parseReference, withDefaultTag } from "../reference.ts";
import { unusable } from "../strict_json.ts";
import { type ArchivedImage, type ArchivedLayer, type ArchiveFiles, checkOs, isRequested } from "./contents.ts";

export const OCI_INDEX_NAME = "index.json";

/** Annotations with an image's name: the full one, and that of the specification, which may be just a tag. */
export const FULL_NAME = "io.containerd.image.name";
export const REF_NAME = "org.opencontainers.image.ref.name";

/** Other media types in a layout are ignored. */
const MANIFESTS: ReadonlySet<MediaKind | undefined> = new Set(["image", "index", "schema1"]);

/** How deep indexes may be nested below the layout's own. */
const MAX_INDEX_DEPTH = 4;

/**
 * Reads the images of a layout.
 * @throws {TsdError} archive_invalid, manifest_invalid, digest_mismatch, invalid_reference, platform_unavailable
 */
export async function layoutImages(files: ArchiveFiles, platform: Platform | undefined): Promise<ArchivedImage[]> {
  const index = parseManifest(files.read(OCI_INDEX_NAME), OCI_INDEX_NAME, OCI_INDEX);
  if (index.kind !== "index") throw unusable(OCI_INDEX_NAME, "it is not an index");
  const described = index.manifests.filter(({ mediaType }) => MANIFESTS.has(kindOf(mediaType)));
  if (described.length === 0 && index.manifests.length > 0) throw unusable(OCI_INDEX_NAME, "nothing in it is an image");
  const images: ArchivedImage[] = [];
  for (const group of groupsOf(described)) {
    const chosen = areAlternatives(group) ? [chooseEntry(group, platform, files)] : group;
    for (const entry of chosen) {
      const image = await imageOf(entry, await manifestOf(entry, platform, files), files);
      checkOs(image.config);
      if (isRequested(image.config, platform)) images.push(image);
    }
  }
  return images;
}

/** Groups entries by name; those without a name form one group. */
function groupsOf(described: readonly Descriptor[]): Descriptor[][] {
  return [...Map.groupBy(described, nameOf).values()];
}

/** Returns whether the entries are one image for several platforms, without an index of its own. */
function areAlternatives(group: readonly Descriptor[]): boolean {
  const platforms = group.flatMap(({ platform }) => platform === undefined ? [] : [formatPlatform(platform)]);
  return group.length > 1 && platforms.length === group.length && new Set(platforms).size === group.length;
}

/** Chooses the best entry for the platform; archives may lack some of them. */
function chooseEntry(
  entries: readonly Descriptor[],
  platform: Platform | undefined,
  files: ArchiveFiles,
): Descriptor {
  const matching = matchingManifests(entries, platform ?? hostPlatform());
  return matching.find((entry) => files.find(blobName(entry)) !== undefined) ?? matching[0]!;
}

/** Returns an image's full name; a tag alone is not a name. @throws {TsdError} invalid_reference */
function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const full = annotations[FULL_NAME] ?? "";
  const short = annotations[REF_NAME] ?? "";
  const text = full !== "" ? full : /[/:]/.test(short) ? short : undefined;
  if (text === undefined) return undefined;
  const reference = withDefaultTag(parseReference(text));
  return reference.digest === undefined ? canonicalString(reference) : undefined;
}

interface ReadManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly manifest: ImageManifest;
}

/** Resolves nested indexes to the manifest for the platform. */
async function manifestOf(
  entry: Descriptor,
  platform: Platform | undefined,
  files: ArchiveFiles,
): Promise<ReadManifest> {
  let descriptor = entry;
  for (let depth = 0;; depth++) {
    const what = `manifest ${descriptor.digest}`;
    const bytes = await readBlob(descriptor, what, files);
    const manifest = parseManifest(bytes, what, descriptor.mediaType);
    if (manifest.kind === "image") return { descriptor, bytes, manifest };
    if (depth >= MAX_INDEX_DEPTH) {
      throw unusable(OCI_INDEX_NAME, `its indexes are nested deeper than ${MAX_INDEX_DEPTH} levels`);
    }
    descriptor = chooseEntry(manifest.manifests, platform, files);
  }
}

async function imageOf(
  entry: Descriptor,
  { descriptor, bytes, manifest }: ReadManifest,
  files: ArchiveFiles,
): Promise<ArchivedImage> {
  const { config: configDescriptor } = manifest;
  const what = `config ${configDescriptor.digest}`;
  const configBytes = await readBlob(configDescriptor, what, files);
  const config = parseImageConfig(configBytes, what, manifest.layers.length);
  const name = nameOf(entry);
  return {
    id: configDescriptor.digest,
    configBytes,
    config,
    names: name === undefined ? [] : [name],
    layers: manifest.layers.map((layer, at) => layerOf(layer, config.diffIds[at]!, files)),
    manifest: { digest: descriptor.digest, bytes },
  };
}

function layerOf(layer: Descriptor, diffId: ArchivedLayer["diffId"], files: ArchiveFiles): ArchivedLayer {
  const { digest, sizeBytes, mediaType } = layer;
  if (kindOf(mediaType) !== "layer") {
    const shown = JSON.stringify(mediaType.slice(0, 200));
    throw unusable(`layer ${digest}`, `its media type ${shown} is not that of a layer`);
  }
  const place = files.find(blobName(layer));
  return place === undefined ? { diffId } : { diffId, place, blob: { digest, sizeBytes } };
}

/**
 * Reads and verifies the document of a descriptor.
 * @throws {TsdError} archive_invalid, size_mismatch, digest_mismatch
 */
async function readBlob(descriptor: Descriptor, what: string, files: ArchiveFiles): Promise<Uint8Array> {
  const bytes = files.read(blobName(descriptor));
  if (bytes.length !== descriptor.sizeBytes) {
    throw new TsdError(
      "size_mismatch",
      `Cannot accept ${what}: size is ${bytes.length}, expected ${descriptor.sizeBytes}`,
    );
  }
  const hex = await sha256Hex(bytes);
  if (hex === hexOf(descriptor.digest)) return bytes;
  throw new TsdError("digest_mismatch", `Cannot accept ${what}: its digest is sha256:${hex}`);
}

const blobName = ({ digest }: Descriptor): string => `blobs/sha256/${hexOf(digest)}`;
