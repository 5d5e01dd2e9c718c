/**
 * @module
 * Lists all tags of a repository (OCI distribution-spec v1.1, "Listing Tags"), page by page.
 */
import { TsdError } from "../../errors.ts";
import { apiHost, familiarName, isTag, type Reference } from "../reference.ts";
import { faultOf, statusError } from "./errors.ts";
import type { PullOptions, RegistryTransport } from "./transport.ts";

const MAX_PAGE_BYTES = 4 << 20;
/** Limits for registries whose pages never end. */
const MAX_TAGS = 100_000;
const MAX_PAGES = 1000;

/** Lists tags in the registry's order. @throws {TsdError} as `RegistryClient.resolveManifest` */
export async function listTags(transport: RegistryTransport, ref: Reference, options: PullOptions): Promise<string[]> {
  const what = `tags of ${familiarName(ref)}`;
  const tags: string[] = [];
  let query: string | undefined = "";
  for (let page = 0; query !== undefined; page++) {
    if (page >= MAX_PAGES || tags.length > MAX_TAGS) {
      throw new TsdError("registry_protocol", `Cannot list the ${what}: there are too many`);
    }
    const request = {
      ref,
      path: `tags/list${query}`,
      maxBytes: MAX_PAGE_BYTES,
      what,
      code: "registry_protocol",
    } as const;
    const { status, headers, bytes } = await transport.document({ ...request, ...options });
    if (status !== 200) throw statusError({ ref, host: apiHost(ref) }, status, faultOf(bytes));
    tags.push(...tagsIn(bytes, what));
    query = nextQuery(headers.get("link"));
  }
  return [...new Set(tags)];
}

function tagsIn(bytes: Uint8Array, what: string): string[] {
  let answer: { tags?: unknown } | null;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new TsdError("registry_protocol", `Cannot list the ${what}: the answer is not JSON`, { cause: error });
  }
  const tags = answer?.tags ?? [];
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string" && isTag(tag))) return tags;
  throw new TsdError("registry_protocol", `Cannot list the ${what}: the answer has no list of tags`);
}

/** Only the query of `Link` (RFC 8288) is used: all pages have the same path. */
function nextQuery(link: string | null): string | undefined {
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next\b/i.exec(link ?? "") ?? [];
  const search = target === undefined ? "" : URL.parse(target, "https://registry.invalid")?.search ?? "";
  return search === "" ? undefined : search;
}
