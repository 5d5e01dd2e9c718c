/**
 * @module
 * Parses manifests and indexes (OCI image-spec v1.1, manifest.md and image-index.md; Docker image manifest v2, schema
 * 2, and manifest list) from bytes whose digest was verified. Rejects Docker's schema 1. Fetches nothing.
 */
import { TsdError } from "../errors.ts";
import { type Digest, isDigest } from "./digest.ts";
import { kindOf } from "./media_types.ts";
import { normalizePlatform, type Platform } from "./platform.ts";
import { type JsonObject, Members, parseStrictJson, unusable } from "./strict_json.ts";

/** Describes content by media type, digest and size (OCI image-spec v1.1, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Alternative download URLs of the content (foreign layers). */
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** In an index: the platform of the manifest, if specified. */
  readonly platform?: Platform;
}

/** An image: a config and its layers, lowest first. */
export interface ImageManifest {
  readonly kind: "image";
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** The images of several platforms under one name. */
export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

const KNOWN = ["schemaVersion", "mediaType", "config", "layers", "manifests", "annotations", "fsLayers"];
const DESCRIPTOR_KNOWN = ["mediaType", "digest", "size", "urls", "annotations", "platform"];
const PLATFORM_KNOWN = ["os", "architecture", "variant", "os.version"];

/**
 * Parses a manifest or an index.
 * @param what names the document in error texts, such as `manifest of localhost/web:1`
 * @param contentType the media type given by the registry or the referring descriptor; generic types are ignored
 * @throws {TsdError} manifest_invalid
 */
export function parseManifest(bytes: Uint8Array, what: string, contentType = ""): ImageManifest | ImageIndex {
  const raw = parseStrictJson(bytes, what);
  const members = new Members(raw, what, "", KNOWN);
  const mediaType = mediaTypeOf(members, what, contentType);
  if (members.integer("schemaVersion") === 1 || kindOf(mediaType) === "schema1" || members.has("fsLayers")) {
    throw new TsdError(
      "manifest_invalid",
      `Cannot use ${what}: Docker image manifest version 2, schema 1 is not supported; ` +
        `ask its author to upload the image again as OCI or schema 2`,
    );
  }
  if (members.integer("schemaVersion") !== 2) throw members.wrong("schemaVersion", "is not 2");
  const has = { layers: members.has("layers"), manifests: members.has("manifests") };
  if (has.layers && has.manifests) throw unusable(what, "it has both layers and manifests");
  if (members.has("config") && has.manifests) throw unusable(what, "it has both config and manifests");
  const kind = kindOf(mediaType) ?? (mediaType === "" ? has.manifests ? "index" : "image" : undefined);
  const annotations = members.stringMap("annotations") ?? {};
  if (kind === "index") return { kind, mediaType, manifests: descriptors(members, "manifests", what), annotations };
  if (kind !== "image") throw unusable(what, `its media type ${JSON.stringify(mediaType)} is not that of an image`);
  return {
    kind,
    mediaType,
    config: configOf(members, what),
    layers: descriptors(members, "layers", what),
    annotations,
  };
}

/** Returns the document's media type, which has to match `contentType`. */
function mediaTypeOf(members: Members, what: string, contentType: string): string {
  const inside = members.string("mediaType") ?? "";
  const outside = contentType.split(";", 1)[0].trim().toLowerCase();
  const announced = kindOf(outside) === undefined || outside === "application/octet-stream" ? "" : outside;
  if (inside !== "" && announced !== "" && inside !== announced) {
    throw unusable(
      what,
      `it says that it is ${JSON.stringify(inside)}, but was announced as ${JSON.stringify(announced)}`,
    );
  }
  return inside === "" ? announced : inside;
}

function configOf(members: Members, what: string): Descriptor {
  const raw = members.object("config");
  if (raw === undefined) throw unusable(what, "it has no config");
  const config = descriptor(raw, what, "config.");
  if (kindOf(config.mediaType) !== "config") {
    throw unusable(what, `it is not a container image (its config is ${JSON.stringify(config.mediaType)})`);
  }
  return config;
}

function descriptors(members: Members, name: "layers" | "manifests", what: string): Descriptor[] {
  const list = members.objects(name);
  if (list === undefined) throw unusable(what, `it has no ${name}`);
  return list.map((raw, index) => descriptor(raw, what, `${name}[${index}].`));
}

function descriptor(raw: JsonObject, what: string, path: string): Descriptor {
  const members = new Members(raw, what, path, DESCRIPTOR_KNOWN);
  const digest = members.string("digest") ?? "";
  if (!isDigest(digest)) throw members.wrong("digest", "is not sha256:<64 hex>");
  const sizeBytes = members.integer("size");
  if (sizeBytes === undefined || sizeBytes < 0) throw members.wrong("size", "is not a number of bytes");
  const mediaType = members.string("mediaType") ?? "";
  if (mediaType === "") throw members.wrong("mediaType", "is missing");
  const urls = members.strings("urls");
  const annotations = members.stringMap("annotations");
  const platform = members.object("platform");
  return {
    mediaType,
    digest,
    sizeBytes,
    ...(urls === undefined ? {} : { urls }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform: platformOf(platform, what, `${path}platform.`) }),
  };
}

function platformOf(raw: JsonObject, what: string, path: string): Platform {
  const members = new Members(raw, what, path, PLATFORM_KNOWN);
  return normalizePlatform({
    os: members.string("os") ?? "",
    architecture: members.string("architecture") ?? "",
    variant: members.string("variant"),
    osVersion: members.string("os.version"),
  });
}
