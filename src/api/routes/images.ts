/**
 * @module
 * `/images`: pull, list, inspect, history, tag, remove.
 */
import { TsdError } from "../../errors.ts";
import { parsePlatform } from "../../image/platform.ts";
import { isTag, parseReference, type Reference } from "../../image/reference.ts";
import { isDigest } from "../../image/digest.ts";
import { decodePlatform, platformIn } from "../http/platform_param.ts";
import { empty, json, jsonLines, type Reply } from "../http/reply.ts";
import { credentialOf, REGISTRY_AUTH } from "../http/registry_auth.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import { atLeast } from "../http/version.ts";
import type { Engine } from "../../engine/mod.ts";
import { IMAGE_FILTER_KEYS, imageFilter } from "../views/image_filters.ts";
import { imageHistory, inspectImage, summariseImage } from "../views/image_view.ts";
import type { ImageDeleteItem, ImageSummary } from "../../api_types/mod.ts";
import { withErrorInBand } from "./progress.ts";

export function imageRoutes(engine: Engine): Route[] {
  return [
    { method: "POST", path: "/images/create", since: "1.24", handler: (request) => pull(engine, request) },
    {
      method: "GET",
      path: "/images/json",
      since: "1.24",
      handler: async (request) => json(await list(engine, request)),
    },
    {
      method: "GET",
      path: "/images/{name*}/json",
      since: "1.24",
      handler: async ({ params, query, version }) => {
        const image = await engine.images.catalog.resolve(params.name, platformIn(query, version, "1.49"));
        return json(inspectImage(image, { driver: engine.store.layers.driver, version }));
      },
    },
    {
      method: "GET",
      path: "/images/{name*}/history",
      since: "1.24",
      handler: async ({ params, query, version }) => {
        const image = await engine.images.catalog.resolve(params.name, platformIn(query, version, "1.48"));
        return json(imageHistory(image, await engine.images.layerSizes.of(image.record.layers)));
      },
    },
    {
      method: "POST",
      path: "/images/{name*}/tag",
      since: "1.24",
      handler: async ({ params, query }) => {
        await engine.images.tagger.tag(params.name, query.text("repo") ?? "", query.text("tag"));
        return empty(201);
      },
    },
    {
      method: "DELETE",
      path: "/images/{name*}",
      since: "1.24",
      handler: async (request) => json(await remove(engine, request)),
    },
  ];
}

/**
 * Removes an image. `noprune` concerns untagged parents, which do not exist here: an image has layers and no ancestors.
 */
async function remove(
  { images: { remover: imageRemover } }: Engine,
  { params, query, version }: ApiRequest,
): Promise<ImageDeleteItem[]> {
  if (params.name.trim() === "") throw new TsdError("invalid_argument", "image name cannot be blank");
  const platforms = atLeast(version, "1.50") ? query.all("platforms").map(decodePlatform) : [];
  if (platforms.length > 1) throw new TsdError("invalid_argument", "multiple platforms are not supported");
  return await imageRemover.remove(params.name, { force: query.flag("force"), platform: platforms[0] });
}

/**
 * `POST /images/create?fromImage=&tag=&platform=`. `tag` may also be a digest. As in Docker, all tags are pulled if
 * there is none.
 */
async function pull({ images: { puller } }: Engine, { query, header, signal }: ApiRequest): Promise<Reply> {
  const name = query.text("fromImage");
  if (name === undefined) {
    throw new TsdError("not_implemented", "Cannot create an image: only pulling (fromImage) is supported yet");
  }
  const reference = withTag(parseReference(name.replace(/:$/, "")), query.text("tag"));
  const requested = query.text("platform");
  const platform = requested === undefined ? undefined : parsePlatform(requested);
  const options = { signal, credential: credentialOf(header(REGISTRY_AUTH)) };
  const isWholeRepository = reference.tag === undefined && reference.digest === undefined;
  const messages = isWholeRepository
    ? await puller.pullAll(reference, platform, options)
    : await puller.pull(reference, platform, options);
  return jsonLines(withErrorInBand(messages));
}

function withTag(reference: Reference, tag: string | undefined): Reference {
  if (tag === undefined) return reference;
  if (isDigest(tag)) return { ...reference, digest: tag };
  if (!isTag(tag)) throw new TsdError("invalid_reference", "invalid tag format");
  return { ...reference, tag };
}

async function list(
  { images: { catalog: images, usage: imageUsage } }: Engine,
  { query, version }: ApiRequest,
): Promise<ImageSummary[]> {
  const passes = await imageFilter(query.filters(IMAGE_FILTER_KEYS), (name) => images.resolve(name));
  const isMeasured = atLeast(version, "1.42") && query.flag("shared-size");
  const shared = isMeasured ? (await imageUsage.measure()).sharedBytes : undefined;
  return (await images.list()).map(passes).filter((image) => image !== undefined).map((image) =>
    summariseImage(image, {
      sharedBytes: shared?.get(image.record.id),
      version,
    })
  );
}
