/** The images of the scripted registry, and the correct response to each request for them. It validates nothing. */
import type { Content } from "../images/content.ts";
import type { ImageFiles } from "../images/image_builder.ts";
import type { HttpRequest } from "./http_exchange.ts";
import { contentReply, errorReply, type Reply, textReply } from "./reply.ts";

export class Catalog {
  readonly #repos = new Map<string, Map<string, Content>>();

  /** Adds an image; an existing tag moves. */
  add(repo: string, tag: string, image: ImageFiles): void {
    const contents = this.#repos.get(repo) ?? new Map<string, Content>();
    this.#repos.set(repo, contents);
    for (const blob of image.blobs) contents.set(`blobs/${blob.digest}`, blob);
    for (const manifest of [...image.manifests, image.top]) contents.set(`manifests/${manifest.digest}`, manifest);
    contents.set(`manifests/${tag}`, image.top);
  }

  answer(request: HttpRequest): Reply {
    if (request.path === "/v2/") return textReply(200, "{}");
    if (request.method !== "GET" && request.method !== "HEAD") return errorReply(405, "UNSUPPORTED");
    const [, repo = "", rest = ""] = /^\/v2\/(.+)\/((?:manifests|blobs|tags)\/[^/]+)$/.exec(request.path) ?? [];
    const contents = this.#repos.get(repo);
    if (!contents) return errorReply(404, "NAME_UNKNOWN");
    if (rest === "tags/list") return textReply(200, JSON.stringify({ name: repo, tags: tagsOf(contents) }));
    const content = contents.get(rest);
    if (content) return contentReply(content);
    return errorReply(404, rest.startsWith("blobs/") ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN");
  }
}

function tagsOf(contents: ReadonlyMap<string, Content>): string[] {
  const references = [...contents.keys()].filter((key) => key.startsWith("manifests/") && !key.includes(":"));
  return references.map((key) => key.slice("manifests/".length)).sort();
}
