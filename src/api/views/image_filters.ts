/**
 * @module
 * Filters of `GET /images/json`, as in moby 28: all keys must match. All labels and times have to match, but only one
 * of the name patterns; `before`, `since` and `until` compare creation times.
 */
import { type CatalogImage, createdMs } from "../../engine/images/image_catalog.ts";
import { TsdError } from "../../errors.ts";
import type { Filters } from "../http/query.ts";
import { hasLabel } from "./container_filters.ts";
import { timestampMs } from "./timestamp.ts";
import { namePattern } from "./name_pattern.ts";

export const IMAGE_FILTER_KEYS = ["dangling", "label", "reference", "before", "since", "until"];

/** Filters an image. Returns it with only the names that match, or undefined if it does not match. */
export type ImageFilter = (image: CatalogImage) => CatalogImage | undefined;

/**
 * Parses all values in advance, so that an invalid one is refused even if there are no images.
 * @param find returns the image that `before` or `since` names
 * @throws {TsdError} invalid_argument, image_not_found
 */
export async function imageFilter(
  filters: Filters,
  find: (name: string) => Promise<CatalogImage>,
): Promise<ImageFilter> {
  const values = (key: string) => filters.get(key) ?? [];
  const madeAt = async (key: string) =>
    (await Promise.all(values(key).map(find))).map(createdMs).filter((ms) => ms !== undefined);
  const before = Math.min(...await madeAt("before"), ...values("until").map((value) => timestampMs(value)));
  const since = Math.max(...await madeAt("since"));
  const dangling = truthOf(filters, "dangling");
  const patterns = filters.has("reference") ? values("reference").map(namePattern) : undefined;
  return (image) => {
    const ms = createdMs(image) ?? NaN;
    if (before !== Infinity && !(ms < before)) return undefined;
    if (since !== -Infinity && !(ms > since)) return undefined;
    if (!values("label").every((value) => hasLabel(image.config.config.labels, value))) return undefined;
    const named = patterns === undefined ? image : withNames(image, patterns);
    const { tags, repoDigests } = named.names;
    const isNameless = tags.length === 0 && repoDigests.length === 0;
    if (isNameless && (dangling === false || patterns !== undefined)) return undefined;
    return dangling === true && tags.length > 0 ? undefined : named;
  };
}

/**
 * Parses a single boolean; undefined if the key is absent.
 * @throws {TsdError} invalid_argument, with Docker's message
 */
export function truthOf(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key);
  if (values === undefined) return undefined;
  const [isTrue, isFalse] = [["1", "true"], ["0", "false"]].map((words) => values.some((each) => words.includes(each)));
  if (isTrue !== isFalse) return isTrue;
  const shown = values.length === 0 ? key : `${key}=[${values.join(" ")}]`;
  throw new TsdError("invalid_argument", `invalid filter '${shown}'`);
}

function withNames(image: CatalogImage, patterns: readonly ((name: string) => boolean)[]): CatalogImage {
  // A pattern without a tag matches all tags.
  const fits = (name: string) => patterns.some((match) => match(name) || match(repositoryOf(name)));
  const { tags, repoDigests } = image.names;
  return { ...image, names: { tags: tags.filter(fits), repoDigests: repoDigests.filter(fits) } };
}

const repositoryOf = (name: string): string => name.replace(/(@sha256:.*|:[^/:]*)$/, "");
