/**
 * @module
 * `/images`: pull, list, inspect, history, remove.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import { parsePlatform } from "../../image/platform.ts";
import { isTag, parseReference, type Reference } from "../../image/reference.ts";
import { isDigest } from "../../image/digest.ts";
import { json, jsonLines, type Reply } from "../http/reply.ts";
import { credentialOf, REGISTRY_AUTH } from "../http/registry_auth.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import type { Services } from "../services.ts";
import { filterImage, IMAGE_FILTER_KEYS, imageHistory, inspectImage, summariseImage } from "../views/image_view.ts";
import type { ImageSummary, ProgressMessage } from "../wire/mod.ts";

export function imageRoutes(services: Services): Route[] {
  const { images, imageRemover, driver } = services;
  return [
    { method: "POST", path: "/images/create", since: "1.24", handler: (request) => pull(services, request) },
    {
      method: "GET",
      path: "/images/json",
      since: "1.24",
      handler: async (request) => json(await list(services, request)),
    },
    {
      method: "GET",
      path: "/images/{name*}/json",
      since: "1.24",
      handler: async ({ params }) => json(inspectImage(await images.resolve(params.name), driver)),
    },
    {
      method: "GET",
      path: "/images/{name*}/history",
      since: "1.24",
      handler: async ({ params }) => json(imageHistory(await images.resolve(params.name))),
    },
    {
      method: "DELETE",
      path: "/images/{name*}",
      since: "1.24",
      handler: async ({ params, query }) =>
        json(await imageRemover.remove(params.name, { force: query.flag("force") })),
    },
  ];
}

/**
 * `POST /images/create?fromImage=&tag=&platform=`; a digest also comes as `tag`. As in Docker no tag at all means all of
 * them.
 */
async function pull({ puller }: Services, { query, header, signal }: ApiRequest): Promise<Reply> {
  const name = query.text("fromImage");
  if (name === undefined) {
    throw new TsdError("not_implemented", "Cannot create an image: only pulling (fromImage) is supported yet");
  }
  const reference = withTag(parseReference(name.replace(/:$/, "")), query.text("tag"));
  const wanted = query.text("platform");
  const platform = wanted === undefined ? undefined : parsePlatform(wanted);
  const asker = { signal, credential: credentialOf(header(REGISTRY_AUTH)) };
  const isWhole = reference.tag === undefined && reference.digest === undefined;
  const messages = isWhole
    ? await puller.pullAll(reference, platform, asker)
    : await puller.pull(reference, platform, asker);
  return jsonLines(withErrorInBand(messages));
}

function withTag(reference: Reference, tag: string | undefined): Reference {
  if (tag === undefined) return reference;
  if (isDigest(tag)) return { ...reference, digest: tag };
  if (!isTag(tag)) throw new TsdError("invalid_reference", "invalid tag format");
  return { ...reference, tag };
}

/** The head says 200 by now: what fails later is said in the stream. */
async function* withErrorInBand(messages: AsyncIterable<ProgressMessage>): AsyncGenerator<ProgressMessage> {
  try {
    yield* messages;
  } catch (thrown) {
    const { code, message } = toTsdError(thrown);
    yield { errorDetail: { message, tsdCode: code }, error: message };
  }
}

async function list({ images, table }: Services, { query }: ApiRequest): Promise<ImageSummary[]> {
  const filters = query.filters(IMAGE_FILTER_KEYS);
  const all = await images.list();
  const arrival = (name: string) => {
    const { id } = images.find(name);
    return all.find(({ record }) => record.id === id)?.record.addedMs ?? 0;
  };
  return all.map((image) => filterImage(image, filters, arrival)).filter((image) => image !== undefined)
    .map((image) => summariseImage(image, table.ofImage(image.record.id).length));
}
