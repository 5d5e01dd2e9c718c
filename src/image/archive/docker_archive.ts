/** Reads archives of `docker save`, old and new, and of compatible writers, starting from `manifest.json`. */
import { TsdError } from "../../errors.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { parseImageConfig } from "../config.ts";
import { digestOfHex } from "../digest.ts";
import type { Platform } from "../platform.ts";
import { canonicalString, parseReference } from "../reference.ts";
import { type JsonObject, Members, parseStrictJsonList } from "../strict_json.ts";
import { type ArchivedImage, type ArchivedLayer, type ArchiveFiles, checkOs, isRequested } from "./contents.ts";

export const DOCKER_MANIFEST_NAME = "manifest.json";

const KNOWN = ["Config", "RepoTags", "Layers", "Parent", "LayerSources"];

/** Reads the images of a docker-archive. @throws {TsdError} archive_invalid, manifest_invalid, invalid_reference */
export async function dockerImages(files: ArchiveFiles, platform: Platform | undefined): Promise<ArchivedImage[]> {
  const items = parseStrictJsonList(files.read(DOCKER_MANIFEST_NAME), DOCKER_MANIFEST_NAME);
  if (items === null) {
    throw new TsdError("archive_invalid", "invalid manifest, manifest cannot be null (but can be [])");
  }
  const images: ArchivedImage[] = [];
  for (const [at, item] of items.entries()) {
    const image = await imageOf(item, `[${at}].`, files);
    if (isRequested(image.config, platform)) images.push(image);
  }
  return images;
}

async function imageOf(item: JsonObject, path: string, files: ArchiveFiles): Promise<ArchivedImage> {
  const members = new Members(item, DOCKER_MANIFEST_NAME, path, KNOWN);
  const configName = members.string("Config") ?? "";
  if (configName === "") throw members.wrong("Config", "is missing");
  const layerNames = members.strings("Layers") ?? [];
  const names = (members.strings("RepoTags") ?? []).map(fullName);
  const configBytes = files.read(configName);
  const config = parseImageConfig(configBytes, `config ${JSON.stringify(configName)}`);
  checkOs(config);
  checkLayers(layerNames.length, config.diffIds.length);
  const layers = config.diffIds.map((diffId, at): ArchivedLayer => {
    const place = files.find(layerNames[at]!);
    return place === undefined ? { diffId } : { diffId, place };
  });
  return { id: digestOfHex(await sha256Hex(configBytes)), configBytes, config, names, layers };
}

/** Checks the number of layers. @throws {TsdError} archive_invalid, with Docker's text */
function checkLayers(files: number, diffIds: number): void {
  if (files === diffIds) return;
  const found = `expected ${files}, got ${diffIds}`;
  throw new TsdError("archive_invalid", `invalid manifest, layers length mismatch: ${found}`);
}

/** Parses a name with a tag. @throws {TsdError} invalid_reference, with Docker's texts */
function fullName(text: string): string {
  const reference = parseReference(text);
  if (reference.tag === undefined || reference.digest !== undefined) {
    throw new TsdError("invalid_reference", `invalid tag ${JSON.stringify(text)}`);
  }
  return canonicalString(reference);
}
