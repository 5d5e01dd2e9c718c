/**
 * @module
 * Where the modules of the Workers are. A bundler doesn't follow `new Worker(url)`, so every worker module is an entry of
 * its own in the executable, and callers ask for it by name: `new Worker(workerUrl("ingest"), { type: "module" })`.
 * A new worker needs one row here; `scripts/bundle.ts` takes its entries from this table.
 */

/** Worker name → module, relative to the project's top level. */
export const WORKER_ENTRIES = {
  logs: "src/runtime/logs/worker.ts",
  ingest: "src/engine/images/ingest_worker.ts",
  archive: "src/engine/copy/worker.ts",
  imageArchive: "src/engine/images/image_archive_worker.ts",
  // No Worker, but a process of its own: see `src/plugins/host/`.
  pluginHost: "src/plugins/host/main.ts",
} as const;

export type WorkerName = keyof typeof WORKER_ENTRIES;

/** The module of a worker: the `.ts` file beside this one in a checkout, the entry's `.js` file in a bundle. */
export function workerUrl(name: WorkerName): URL {
  return resolveWorker(name, import.meta.url);
}

/**
 * {@link workerUrl} as seen from the module at `here`. In a bundle this module's code lies in a chunk at the top of the
 * output folder, and the entries keep their paths below it.
 */
export function resolveWorker(name: WorkerName, here: string): URL {
  const source = WORKER_ENTRIES[name];
  const inCheckout = new URL(here).pathname.endsWith("/src/worker_entry.ts");
  return inCheckout ? new URL(`../${source}`, here) : new URL(`./${source.replace(/\.ts$/, ".js")}`, here);
}
