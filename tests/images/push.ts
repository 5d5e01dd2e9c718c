/** Uploads an image over HTTP, as specified by OCI distribution-spec v1.1 ("Push"). */
import type { Content } from "./content.ts";
import type { ImageFiles } from "./image_builder.ts";

export interface PushOptions {
  /** Sent unchanged with every request, e.g. `{ authorization: "Basic …" }`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Pushes all blobs and manifests of `image` to `repo`, and tags the top one `tag` (which may be a digest). */
export async function pushImage(
  registryUrl: string,
  repo: string,
  tag: string,
  image: ImageFiles,
  options: PushOptions = {},
): Promise<void> {
  const repoUrl = `${registryUrl.replace(/\/$/, "")}/v2/${repo}`;
  const headers = options.headers ?? {};
  for (const blob of image.blobs) await pushBlob(repoUrl, blob, headers);
  for (const manifest of image.manifests) await putManifest(repoUrl, manifest.digest, manifest, headers);
  await putManifest(repoUrl, tag, image.top, headers);
}

async function pushBlob(repoUrl: string, blob: Content, headers: Readonly<Record<string, string>>): Promise<void> {
  const known = await request(`${repoUrl}/blobs/${blob.digest}`, { method: "HEAD", headers }, [200, 404]);
  if (known.status === 200) return;
  const started = await request(`${repoUrl}/blobs/uploads/`, { method: "POST", headers }, [202]);
  const location = started.headers.get("location");
  if (!location) throw new Error(`POST ${repoUrl}/blobs/uploads/: no Location in the answer`);
  const target = new URL(location, `${repoUrl}/`);
  target.searchParams.set("digest", blob.digest);
  await request(target.href, {
    method: "PUT",
    headers: { ...headers, "content-type": "application/octet-stream" },
    body: ReadableStream.from(blob.open()),
  }, [201]);
}

async function putManifest(
  repoUrl: string,
  reference: string,
  manifest: Content,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const body = ReadableStream.from(manifest.open());
  const all = { ...headers, "content-type": manifest.mediaType };
  await request(`${repoUrl}/manifests/${reference}`, { method: "PUT", headers: all, body }, [201]);
}

async function request(url: string, init: RequestInit, expected: readonly number[]): Promise<Response> {
  const response = await fetch(url, { redirect: "manual", ...init });
  const text = await response.text();
  if (!expected.includes(response.status)) {
    throw new Error(`${init.method} ${url}: ${response.status} ${text.slice(0, 500)}`);
  }
  return response;
}
