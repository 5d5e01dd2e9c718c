/**
 * @module
 * The modules of the Workers. A bundler doesn't follow `new Worker(url)`, so every worker module is a separate entry of
 * the executable, and callers refer to it by name: `new Worker(workerUrl("ingest"), { type: "module" })`. A new worker
 * needs one row here; `scripts/bundle.ts` takes its entries from this table.
 */

/** Worker name → module, relative to the project's root. */
export const WORKER_ENTRIES = {
  logs: "src/runtime/logs/worker.ts",
  ingest: "src/engine/images/ingest_worker.ts",
  archive: "src/engine/copy/worker.ts",
  imageArchive: "src/engine/images/image_archive_worker.ts",
  // Not a Worker, but a separate process: see `src/plugins/host/`.
  pluginHost: "src/plugins/host/main.ts",
} as const;

export type WorkerName = keyof typeof WORKER_ENTRIES;

/** Returns the URL of a worker's module: its `.ts` file in a checkout, the entry's `.js` file in a bundle. */
export function workerUrl(name: WorkerName): URL {
  return resolveWorker(name, import.meta.url);
}

/**
 * Returns {@link workerUrl} for the module at `selfUrl`. In a bundle this module's code is in a chunk at the top of the
 * output directory, and the entries keep their paths below it.
 */
export function resolveWorker(name: WorkerName, selfUrl: string): URL {
  const source = WORKER_ENTRIES[name];
  const inCheckout = new URL(selfUrl).pathname.endsWith("/src/worker_entry.ts");
  return inCheckout ? new URL(`../${source}`, selfUrl) : new URL(`./${source.replace(/\.ts$/, ".js")}`, selfUrl);
}
