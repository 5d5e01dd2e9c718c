/** The individual names of an image, as its removal needs them. */
import {
  canonicalName,
  canonicalString,
  familiarString,
  parseReference,
  type Reference,
} from "../../image/reference.ts";
import type { ImageNames } from "../../store/image_records.ts";

/** A tag of an image, or a repository digest. */
export interface ImageName {
  /** `docker.io/library/alpine:3` or `docker.io/library/alpine@sha256:…` */
  readonly full: string;
  /** `docker.io/library/alpine` */
  readonly repository: string;
  readonly isDigest: boolean;
}

/** Returns the name that a reference with a tag or a digest denotes. */
export function imageNameOf(reference: Reference): ImageName {
  const { domain, path, tag, digest } = reference;
  // A tag next to a digest is only informative.
  const full = canonicalString(digest === undefined ? { domain, path, tag } : { domain, path, digest });
  return { full, repository: canonicalName(reference), isDigest: digest !== undefined };
}

/** Returns the names in Docker's order: by full name in byte order, so that a repository's tags precede its digests. */
export function imageNames({ tags, repoDigests }: ImageNames): ImageName[] {
  const names = [...tags, ...repoDigests].map((full) => imageNameOf(parseReference(full)));
  return names.sort((a, b) => a.full < b.full ? -1 : 1);
}

/** Returns the familiar form, as Docker shows it: `alpine:3`. */
export const familiar = ({ full }: ImageName): string => familiarString(parseReference(full));

/** Returns whether the names are a "single reference" (moby): at most one tag, and digests of that tag's repository only. */
export function isSingleName(names: readonly ImageName[]): boolean {
  if (names.length <= 1) return true;
  const tags = names.filter(({ isDigest }) => !isDigest);
  const repositories = new Set(names.filter(({ isDigest }) => isDigest).map(({ repository }) => repository));
  const single = tags[0] ?? names[0]!;
  return tags.length <= 1 && repositories.size === 1 && repositories.has(single.repository);
}
