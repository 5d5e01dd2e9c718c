/**
 * @module
 * Image references: the grammar of github.com/distribution/reference v0.6 with Docker Hub's short forms (`alpine` is
 * `docker.io/library/alpine`). Syntax only; it contacts no registry. Error texts are Docker's, verbatim. Invariant:
 * parsing the result of {@link familiarString} or {@link canonicalString} gives the same reference.
 */
import { TsdError } from "../errors.ts";
import { type Digest, isDigest } from "./digest.ts";

/** A parsed image reference. Without tag and digest it names a repository. */
export interface Reference {
  /** Registry as written: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly domain: string;
  /** Repository in that registry: `library/alpine`. At most 255 characters. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** The domain of references without one. */
export const DEFAULT_DOMAIN = "docker.io";
/** The host that serves Docker Hub's API. */
export const DOCKER_HUB_API_HOST = "registry-1.docker.io";
/** The tag of references without tag and digest. */
export const DEFAULT_TAG = "latest";

const LEGACY_DEFAULT_DOMAIN = "index.docker.io";
const OFFICIAL_PREFIX = "library/";
const MAX_PATH_LENGTH = 255;

const DOMAIN_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = `(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const PATH = `${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`;
const TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const REFERENCE = new RegExp(`^(${DOMAIN})/(${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const WHOLE_TAG = new RegExp(`^${TAG}$`);
const IDENTIFIER = /^[a-f0-9]{64}$/;

/**
 * Parses a reference as users write it. Adds no tag: see {@link withDefaultTag}.
 * @throws {TsdError} invalid_reference
 */
export function parseReference(text: string): Reference {
  if (IDENTIFIER.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [domain, rest] = splitDomain(text);
  const name = rest.split(":", 1)[0];
  if (name !== name.toLowerCase()) {
    throw invalid(`invalid reference format: repository name (${name}) must be lowercase`);
  }
  const match = REFERENCE.exec(`${domain}/${rest}`);
  if (match === null) throw invalid("invalid reference format");
  const [, , path, tag, digest] = match;
  if (path.length > MAX_PATH_LENGTH) throw invalid("repository name must not be more than 255 characters");
  return {
    domain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: referenceDigest(digest) }),
  };
}

/** Returns whether `text` is a valid tag. */
export function isTag(text: string): boolean {
  return WHOLE_TAG.test(text);
}

/** Returns the reference, with `:latest` if it has neither tag nor digest. */
export function withDefaultTag(ref: Reference): Reference {
  return ref.tag === undefined && ref.digest === undefined ? { ...ref, tag: DEFAULT_TAG } : ref;
}

/** Returns the repository's short name: `alpine`, `localhost:5000/web`. */
export function familiarName(ref: Pick<Reference, "domain" | "path">): string {
  const full = canonicalName(ref);
  if (ref.domain !== DEFAULT_DOMAIN) return full;
  const short = ref.path.startsWith(OFFICIAL_PREFIX) && ref.path.indexOf("/", OFFICIAL_PREFIX.length) < 0
    ? ref.path.slice(OFFICIAL_PREFIX.length)
    : ref.path;
  // `docker.io/a.b/c` must not become `a.b/c`, which would name the registry `a.b`.
  return !IDENTIFIER.test(short) && splitDomain(short).join("/") === full ? short : full;
}

/** Returns the shortest equivalent form: `alpine:3.20`, `alpine@sha256:…`. */
export function familiarString(ref: Reference): string {
  return familiarName(ref) + suffix(ref);
}

/** Returns the repository with its domain: `docker.io/library/alpine`. */
export function canonicalName(ref: Pick<Reference, "domain" | "path">): string {
  return `${ref.domain}/${ref.path}`;
}

/** Returns the full form: `docker.io/library/alpine:3.20`. */
export function canonicalString(ref: Reference): string {
  return canonicalName(ref) + suffix(ref);
}

/** Returns the host (and port) that serves the distribution API for this reference. */
export function apiHost(ref: Pick<Reference, "domain">): string {
  return ref.domain === DEFAULT_DOMAIN ? DOCKER_HUB_API_HOST : ref.domain;
}

function suffix(ref: Reference): string {
  return (ref.tag === undefined ? "" : `:${ref.tag}`) + (ref.digest === undefined ? "" : `@${ref.digest}`);
}

/** The first component is a domain only if it has a dot or colon, is `localhost`, or has an upper-case letter. */
function splitDomain(text: string): [domain: string, rest: string] {
  const slash = text.indexOf("/");
  if (slash < 0) return [DEFAULT_DOMAIN, OFFICIAL_PREFIX + text];
  const first = text.slice(0, slash);
  const rest = text.slice(slash + 1);
  const isDomain = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  if (!isDomain) return [DEFAULT_DOMAIN, text];
  if (first !== DEFAULT_DOMAIN && first !== LEGACY_DEFAULT_DOMAIN) return [first, rest];
  return [DEFAULT_DOMAIN, rest.includes("/") ? rest : OFFICIAL_PREFIX + rest];
}

function referenceDigest(text: string): Digest {
  if (isDigest(text)) return text;
  const [algorithm, hex] = text.split(":");
  if (algorithm !== "sha256") throw invalid("unsupported digest algorithm");
  throw invalid(hex.length === 64 ? "invalid checksum digest format" : "invalid checksum digest length");
}

const invalid = (message: string): TsdError => new TsdError("invalid_reference", message);
