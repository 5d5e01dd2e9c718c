/**
 * @module
 * Entry of the ingest Workers: a layer comes in on one stream from the registry to the disk. Protocol:
 * `ingest_protocol.ts`.
 */
import { serialiseError } from "../../errors.ts";
import { chooseHashEngine } from "../../hash/mod.ts";
import { ingestLayer } from "../../image/ingest.ts";
import { parseReference } from "../../image/reference.ts";
import { RegistryClient } from "../../image/registry/mod.ts";
import { DEFAULT_LAYER_LIMITS } from "../../store/layer_folders/mod.ts";
import type { LayerStore } from "../../store/ports.ts";
import { openLayers } from "../../store/storage.ts";
import type { FromIngestWorker, IngestJob, IngestSetup, ToIngestWorker } from "./ingest_protocol.ts";

const scope = self as unknown as {
  postMessage(message: FromIngestWorker): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToIngestWorker>) => void): void;
};

const running = new Map<number, AbortController>();
let parts: { readonly registry: RegistryClient; readonly store: LayerStore } | undefined;

function setUp({ storage, registries, hashEngine }: IngestSetup): void {
  chooseHashEngine(hashEngine);
  parts = { registry: new RegistryClient(registries), store: openLayers(storage) };
}

async function ingest({ id, repository, descriptor, diffId, credential }: IngestJob): Promise<void> {
  const cancel = new AbortController();
  running.set(id, cancel);
  try {
    const { registry, store } = parts!;
    const reference = parseReference(repository);
    const info = await ingestLayer({
      openBlob: (wanted, options) => registry.openBlob(reference, wanted, { ...options, credential }),
      store,
      descriptor,
      diffId,
      limits: DEFAULT_LAYER_LIMITS,
      signal: cancel.signal,
      onProgress: (downloadedBytes) => scope.postMessage({ kind: "progress", id, downloadedBytes }),
    });
    scope.postMessage({ kind: "done", id, info });
  } catch (thrown) {
    scope.postMessage({ kind: "failed", id, error: serialiseError(thrown) });
  } finally {
    running.delete(id);
  }
}

scope.addEventListener("message", ({ data }) => {
  if (data.kind === "setup") setUp(data.setup);
  else if (data.kind === "ingest") void ingest(data.job);
  else running.get(data.id)?.abort();
});
