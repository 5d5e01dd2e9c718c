/** The names of one image, one by one, as removal needs them. */
import {
  canonicalName,
  canonicalString,
  familiarString,
  parseReference,
  type Reference,
} from "../../image/reference.ts";
import type { ImageNames } from "../../store/image_records.ts";

/** A tag of an image, or a digest by which a repository knows it. */
export interface ImageName {
  /** `docker.io/library/alpine:3` or `docker.io/library/alpine@sha256:…` */
  readonly full: string;
  /** `docker.io/library/alpine` */
  readonly repository: string;
  readonly isDigest: boolean;
}

/** The name that a reference with either tag or digest is. */
export function imageNameOf(reference: Reference): ImageName {
  const { domain, path, tag, digest } = reference;
  // A tag beside a digest is only for people.
  const full = canonicalString(digest === undefined ? { domain, path, tag } : { domain, path, digest });
  return { full, repository: canonicalName(reference), isDigest: digest !== undefined };
}

/** In Docker's order: by their full names, byte by byte, so that a repository's tags come before its digests. */
export function imageNames({ tags, repoDigests }: ImageNames): ImageName[] {
  const names = [...tags, ...repoDigests].map((full) => imageNameOf(parseReference(full)));
  return names.sort((a, b) => a.full < b.full ? -1 : 1);
}

/** As Docker shows it: `alpine:3`. */
export const familiar = ({ full }: ImageName): string => familiarString(parseReference(full));

/** Whether these are one tag at most and the digests of one repository, which is the tag's: Docker's "single reference". */
export function isSingleName(names: readonly ImageName[]): boolean {
  if (names.length <= 1) return true;
  const tags = names.filter(({ isDigest }) => !isDigest);
  const repositories = new Set(names.filter(({ isDigest }) => isDigest).map(({ repository }) => repository));
  const single = tags[0] ?? names[0]!;
  return tags.length <= 1 && repositories.size === 1 && repositories.has(single.repository);
}
