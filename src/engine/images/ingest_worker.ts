/**
 * @module
 * Entry of the ingest Workers: a layer comes in on one stream from the registry to the disk. Protocol:
 * `ingest_protocol.ts`.
 */
import { isTsdError, serialiseError, TsdError } from "../../errors.ts";
import { chooseHashEngine } from "../../hash/mod.ts";
import type { Digest } from "../../image/digest.ts";
import { ingestLayer } from "../../image/ingest.ts";
import type { Descriptor } from "../../image/manifest.ts";
import { parseReference } from "../../image/reference.ts";
import { RegistryClient } from "../../image/registry/mod.ts";
import { DEFAULT_LAYER_LIMITS } from "../../store/layer_folders/mod.ts";
import { type LayerPart, LayerParts, PART_FROM_BYTES } from "../../store/layer_parts.ts";
import { type OpenLayers, openLayers } from "../../store/storage.ts";
import type { FromIngestWorker, IngestJob, IngestSetup, ToIngestWorker } from "./ingest_protocol.ts";

const scope = self as unknown as {
  postMessage(message: FromIngestWorker): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToIngestWorker>) => void): void;
};

const running = new Map<number, AbortController>();
let tools: { readonly registry: RegistryClient; readonly store: OpenLayers; readonly parts: LayerParts } | undefined;

/** After these a layer's part is worth keeping: nothing was wrong with its bytes, nor is their place needed. */
const PASSING = [
  ...["cancelled", "timeout", "unauthorized"] as const,
  ...["registry_unreachable", "registry_denied", "registry_protocol"] as const,
];

function setUp({ storage, registries, hashEngine }: IngestSetup): void {
  chooseHashEngine(hashEngine);
  const registry = new RegistryClient(registries);
  tools = { registry, store: openLayers(storage), parts: new LayerParts(storage.root) };
}

async function openPart({ digest, sizeBytes }: Descriptor): Promise<LayerPart | undefined> {
  return sizeBytes < PART_FROM_BYTES ? undefined : await tools!.parts.open(digest, sizeBytes);
}

async function remake(id: number, diffId: Digest): Promise<void> {
  try {
    const { store } = tools!;
    await store.remake?.(diffId);
    const info = await store.info(diffId);
    if (info === undefined) throw new TsdError("not_found", `There is no layer ${diffId}`);
    scope.postMessage({ kind: "done", id, info });
  } catch (thrown) {
    scope.postMessage({ kind: "failed", id, error: serialiseError(thrown) });
  }
}

async function ingest({ id, repository, descriptor, diffId, credential }: IngestJob): Promise<void> {
  const cancel = new AbortController();
  running.set(id, cancel);
  let part: LayerPart | undefined;
  try {
    const { registry, store } = tools!;
    part = await openPart(descriptor);
    const { heldBytes = 0 } = part ?? {};
    if (heldBytes > 0) scope.postMessage({ kind: "resumed", id, heldBytes });
    const reference = parseReference(repository);
    const info = await ingestLayer({
      openBlob: (wanted, options) => registry.openBlob(reference, wanted, { ...options, credential }),
      store,
      descriptor,
      diffId,
      part,
      limits: DEFAULT_LAYER_LIMITS,
      signal: cancel.signal,
      onProgress: (downloadedBytes) => scope.postMessage({ kind: "progress", id, downloadedBytes }),
    });
    part?.discard();
    scope.postMessage({ kind: "done", id, info });
  } catch (thrown) {
    if (isTsdError(thrown, ...PASSING)) part?.close();
    else part?.discard();
    scope.postMessage({ kind: "failed", id, error: serialiseError(thrown) });
  } finally {
    running.delete(id);
  }
}

scope.addEventListener("message", ({ data }) => {
  if (data.kind === "setup") setUp(data.setup);
  else if (data.kind === "ingest") void ingest(data.job);
  else if (data.kind === "remake") void remake(data.id, data.diffId);
  else running.get(data.id)?.abort();
});
