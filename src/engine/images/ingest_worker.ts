/**
 * @module
 * Entry of the ingest Workers, which ingest layers from registries and archives. Protocol: `ingest_protocol.ts`.
 */
import { serialiseError, toTsdError, TsdError } from "../../errors.ts";
import { createSha256, HashRing, serveHashing, setDefaultHashEngine, TransferableHashers } from "../../hash/mod.ts";
import type { Digest } from "../../image/digest.ts";
import { ingestArchived, ingestLayer } from "./ingest.ts";
import type { Descriptor } from "../../image/manifest.ts";
import { parseReference } from "../../image/reference.ts";
import { RegistryClient } from "../../image/registry/mod.ts";
import { DEFAULT_LAYER_LIMITS } from "../../store/directory_driver/mod.ts";
import { PART_FROM_BYTES, PartialBlobs, type PartialBlobWriter } from "../../store/partial_blobs.ts";
import { type OpenLayers, openLayerStore } from "../../store/drivers.ts";
import { isResumable } from "./resumable.ts";
import { readSlice } from "./file_slice.ts";
import type { CopyJob, FromIngestWorker, IngestSetup, RegistryJob, ToIngestWorker } from "./ingest_protocol.ts";

const scope = self as unknown as {
  postMessage(message: FromIngestWorker): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToIngestWorker>) => void): void;
};

interface Running {
  readonly cancel: AbortController;
  /** Present while a layer is being ingested. */
  readonly hashers?: TransferableHashers;
}

const running = new Map<number, Running>();
let tools: { readonly registry: RegistryClient; readonly store: OpenLayers; readonly parts: PartialBlobs } | undefined;

function setUp({ storage, registries, hashEngine }: IngestSetup): void {
  setDefaultHashEngine(hashEngine);
  const registry = new RegistryClient(registries);
  tools = { registry, store: openLayerStore(storage), parts: new PartialBlobs(storage.root) };
}

async function openPart({ digest, sizeBytes }: Descriptor): Promise<PartialBlobWriter | undefined> {
  return sizeBytes < PART_FROM_BYTES ? undefined : await tools!.parts.open(digest, sizeBytes);
}

/** Runs an operation on stored layers and replies with the info of `diffId`, the topmost of them. */
async function make(id: number, diffId: Digest, work: (store: OpenLayers) => Promise<void> | undefined): Promise<void> {
  try {
    const { store } = tools!;
    await work(store);
    const info = await store.info(diffId);
    if (info === undefined) throw new TsdError("not_found", `There is no layer ${diffId}`);
    scope.postMessage({ kind: "done", id, info });
  } catch (thrown) {
    scope.postMessage({ kind: "failed", id, error: serialiseError(thrown) });
  }
}

async function verify(id: number, diffId: Digest): Promise<void> {
  const cancel = new AbortController();
  running.set(id, { cancel });
  await make(id, diffId, (store) => store.verify(diffId, cancel.signal));
  running.delete(id);
}

async function ingest({ id, repository, descriptor, diffId, credential }: RegistryJob): Promise<void> {
  const cancel = new AbortController();
  using hashers = new TransferableHashers(createSha256);
  running.set(id, { cancel, hashers });
  let part: PartialBlobWriter | undefined;
  try {
    const { registry, store } = tools!;
    part = await openPart(descriptor);
    const { heldBytes = 0 } = part ?? {};
    if (heldBytes > 0) scope.postMessage({ kind: "resumed", id, heldBytes });
    const reference = parseReference(repository);
    const info = await ingestLayer({
      openBlob: (requested, options) => registry.openBlob(reference, requested, { ...options, credential }),
      store,
      descriptor,
      diffId,
      createHasher: hashers.createHasher,
      part,
      limits: DEFAULT_LAYER_LIMITS,
      signal: cancel.signal,
      onProgress: (downloadedBytes) => scope.postMessage({ kind: "progress", id, downloadedBytes }),
    });
    part?.discard();
    scope.postMessage({ kind: "done", id, info });
  } catch (thrown) {
    if (isResumable(thrown)) part?.close();
    else part?.discard();
    scope.postMessage({ kind: "failed", id, error: serialiseError(thrown) });
  } finally {
    running.delete(id);
  }
}

async function ingestFromArchive({ id, slice, diffId, blob }: CopyJob): Promise<void> {
  const cancel = new AbortController();
  using hashers = new TransferableHashers(createSha256);
  running.set(id, { cancel, hashers });
  try {
    const info = await ingestArchived({
      source: readSlice(slice),
      blob,
      store: tools!.store,
      diffId,
      createHasher: hashers.createHasher,
      limits: DEFAULT_LAYER_LIMITS,
      signal: cancel.signal,
      onProgress: (readBytes) => scope.postMessage({ kind: "progress", id, downloadedBytes: readBytes }),
    });
    scope.postMessage({ kind: "done", id, info });
  } catch (thrown) {
    scope.postMessage({ kind: "failed", id, error: serialiseError(thrown) });
  } finally {
    running.delete(id);
  }
}

/** Starts to serve as a hashing helper and replies with its rings. */
async function assign(id: number): Promise<void> {
  scope.postMessage({ kind: "lent", id, rings: await serveHashing() });
}

/** Assigns hashing to another Worker, unless the layer's ingest has ended in the meantime. */
function help(id: number, buffers: readonly SharedArrayBuffer[]): void {
  const rings = buffers.map((buffer) => new HashRing(buffer));
  const hashers = running.get(id)?.hashers;
  if (hashers !== undefined) hashers.assign(rings);
  else for (const ring of rings) ring.abandon();
}

/** Takes the streams back from the helper. If the helper is lost, this layer fails, and no other one. */
function reclaimHashing(id: number): void {
  const job = running.get(id);
  try {
    job?.hashers?.reclaim();
    scope.postMessage({ kind: "back", id });
  } catch (thrown) {
    job?.cancel.abort(toTsdError(thrown));
  }
}

scope.addEventListener("message", ({ data }) => {
  if (data.kind === "setup") setUp(data.setup);
  else if (data.kind === "ingest") void ("slice" in data.job ? ingestFromArchive(data.job) : ingest(data.job));
  else if (data.kind === "remake") void make(data.id, data.diffId, (store) => store.remake?.(data.diffId));
  else if (data.kind === "verify") void verify(data.id, data.diffId);
  else if (data.kind === "stack") void make(data.id, data.layers.at(-1)!, (store) => store.stack?.(data.layers));
  else if (data.kind === "lend") void assign(data.id);
  else if (data.kind === "help") help(data.id, data.rings);
  else if (data.kind === "alone") reclaimHashing(data.id);
  else running.get(data.id)?.cancel.abort();
});
