/**
 * @module
 * For tests only: an in-process registry whose handler can be wrapped to misbehave, and images made of bytes.
 */
import { sha256Hex } from "../../hash/mod.ts";
import { type Digest, digestOfHex } from "../digest.ts";
import type { Descriptor } from "../manifest.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from "../media_types.ts";
import { parseReference, type Reference } from "../reference.ts";
import { RegistryClient, type RegistryLimits, type RegistryOptions } from "./mod.ts";

/** Limits with short timeouts and delays. */
export const FAST_LIMITS: Partial<RegistryLimits> = {
  responseMs: 2000,
  idleMs: 300,
  idleBytes: 100,
  documentMs: 5000,
  attempts: 3,
  firstPauseMs: 5,
  longestPauseMs: 1000,
};

/** A fake registry with its content and the requests it received. */
export interface FakeRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly content: Map<string, { bytes: Uint8Array<ArrayBuffer>; mediaType: string }>;
  /** Copies: a request can't be read after it was answered. */
  readonly requests: { readonly url: string; readonly headers: Headers }[];
  /** Returns a reference into this registry. */
  ref(name: string): Reference;
  /** Returns the requested paths, without the probe of the scheme. */
  paths(): string[];
}

export type Handler = (request: Request, answer: () => Response) => Response | Promise<Response>;

/** Starts a registry. `wrap` receives each request first, and returns the correct response or another one. */
export function startRegistry(wrap: Handler = (_, answer) => answer()): FakeRegistry {
  const content: FakeRegistry["content"] = new Map();
  const requests: { url: string; headers: Headers }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (new URL(request.url).pathname === "/v2/") return new Response("{}");
    requests.push({ url: request.url, headers: new Headers(request.headers) });
    return wrap(request, () => answerTo(request, content));
  });
  const host = `127.0.0.1:${server.addr.port}`;
  return {
    host,
    content,
    requests,
    ref: (name) => parseReference(`${host}/${name}`),
    paths: () => requests.map(({ url }) => new URL(url).pathname),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function answerTo(request: Request, content: FakeRegistry["content"]): Response {
  const key = new URL(request.url).pathname.replace(/^\/v2\/.*\/(manifests|blobs)\//, "$1/");
  const found = content.get(key);
  if (found === undefined) {
    const code = key.startsWith("manifests/") ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN";
    return Response.json({ errors: [{ code, message: code.toLowerCase().replace("_", " ") }] }, { status: 404 });
  }
  const { bytes, mediaType } = found;
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? NaN);
  if (Number.isNaN(from)) return new Response(bytes, { headers: { "content-type": mediaType } });
  if (from >= bytes.length) return new Response(null, { status: 416 });
  const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
  return new Response(bytes.slice(from), { status: 206, headers: { "content-range": range } });
}

/** A client with short timeouts and delays. */
export function fastLimitsClient(options: RegistryOptions = {}): RegistryClient {
  return new RegistryClient({ ...options, limits: { ...FAST_LIMITS, ...options.limits } });
}

/** A response whose body ends after `bytes`, before `announcedBytes`: the server then closes the connection. */
export function truncatedResponse(bytes: Uint8Array<ArrayBuffer>, announcedBytes: number): Response {
  return new Response(new Blob([bytes]).stream(), { headers: { "content-length": String(announcedBytes) } });
}

/** Stores bytes in a registry as a blob. */
export async function putBlob(registry: FakeRegistry, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const digest = digestOfHex(await sha256Hex(bytes));
  registry.content.set(`blobs/${digest}`, { bytes: new Uint8Array(bytes), mediaType: "application/octet-stream" });
  return { mediaType, digest, sizeBytes: bytes.length };
}

/** Stores a document in a registry as a manifest, under its digest and under names. */
export async function putManifest(registry: FakeRegistry, document: unknown, names: string[]): Promise<Descriptor> {
  const bytes = typeof document === "string"
    ? new TextEncoder().encode(document)
    : new TextEncoder().encode(JSON.stringify(document));
  const digest = digestOfHex(await sha256Hex(bytes));
  const mediaType = (document as { mediaType?: string }).mediaType ?? OCI_MANIFEST;
  for (const name of [digest, ...names]) registry.content.set(`manifests/${name}`, { bytes, mediaType });
  return { mediaType, digest, sizeBytes: bytes.length };
}

/** Stores an image with these (uncompressed) layers under names. */
export async function putImage(
  registry: FakeRegistry,
  layers: Uint8Array[],
  names: string[],
  config: Record<string, unknown> = {},
): Promise<{ manifest: Descriptor; config: Descriptor; layers: Descriptor[]; diffIds: Digest[] }> {
  const diffIds = await Promise.all(layers.map(async (layer) => digestOfHex(await sha256Hex(layer))));
  const fields = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: diffIds }, ...config };
  const configBlob = await putBlob(registry, new TextEncoder().encode(JSON.stringify(fields)), OCI_CONFIG);
  const layerBlobs = await Promise.all(layers.map((layer) => putBlob(registry, layer, OCI_LAYER)));
  const manifest = await putManifest(registry, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: raw(configBlob),
    layers: layerBlobs.map(raw),
  }, names);
  return { manifest, config: configBlob, layers: layerBlobs, diffIds };
}

/** Stores an index of entries under names. */
export function putIndex(
  registry: FakeRegistry,
  entries: { descriptor: Descriptor; platform?: Record<string, string> }[],
  names: string[],
): Promise<Descriptor> {
  const manifests = entries.map(({ descriptor, platform }) => ({ ...raw(descriptor), platform }));
  return putManifest(registry, { schemaVersion: 2, mediaType: OCI_INDEX, manifests }, names);
}

const raw = ({ mediaType, digest, sizeBytes }: Descriptor) => ({ mediaType, digest, size: sizeBytes });
