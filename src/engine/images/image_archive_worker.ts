/**
 * @module
 * Entry of the image archive Workers. Protocol: `image_archive_protocol.ts`.
 */
import { setDefaultHashEngine } from "../../hash/mod.ts";
import { type LayoutFile, readArchive } from "../../image/archive/mod.ts";
import { hexOf } from "../../image/digest.ts";
import { decompressed, verified } from "../../io/mod.ts";
import type { LayerStore } from "../../store/driver.ts";
import { openLayerStore } from "../../store/drivers.ts";
import { tarHeader, type TarSource, tarStream } from "../../tar/mod.ts";
import { serveJobs, type WorkerJob } from "../copy/worker_job.ts";
import { ArchiveSpool } from "./archive_spool.ts";
import type { ImageArchiveInfo, ImageArchiveJob } from "./image_archive_protocol.ts";

type Work = WorkerJob<ImageArchiveInfo>;
type Startup = Extract<ImageArchiveJob, { readonly kind: "open" }>;

/** Maximum uncompressed size, in bytes, and maximum compression ratio of an archive. */
const ARCHIVE_LIMITS = { maxBytes: 2 ** 40, maxRatio: 1100 };

async function perform(job: ImageArchiveJob, work: Work): Promise<void> {
  setDefaultHashEngine(job.hashEngine);
  if (job.kind === "open") return await open(job, work);
  using stack = new DisposableStack();
  const layers = openLayerStore(job.storage);
  stack.defer(() => layers[Symbol.dispose]?.());
  await work.sendAll(tarStream(sources(job.files, layers)));
}

async function open({ path, platform }: Startup, work: Work): Promise<void> {
  using spool = new ArchiveSpool(path);
  for await (const chunk of decompressed(work.input(), { what: "the archive", ...ARCHIVE_LIMITS })) {
    work.throwIfCancelled();
    spool.feed(chunk);
  }
  spool.finish();
  work.tell({ images: await readArchive(spool, platform) });
}

/** Yields the files, each preceded by its parent directories. */
function* sources(files: readonly LayoutFile[], layers: Pick<LayerStore, "openTar">): Generator<TarSource> {
  const dirs = new Set<string>();
  for (const file of files) {
    for (let at = file.name.indexOf("/"); at >= 0; at = file.name.indexOf("/", at + 1)) {
      const path = file.name.slice(0, at + 1);
      if (!dirs.has(path)) yield { header: tarHeader({ type: "directory", path }) };
      dirs.add(path);
    }
    yield sourceOf(file, layers);
  }
}

function sourceOf(file: LayoutFile, layers: Pick<LayerStore, "openTar">): TarSource {
  const sizeBytes = "layer" in file ? file.layer.tarBytes : file.bytes.length;
  const header = tarHeader({ type: "file", path: file.name, sizeBytes });
  if (!("layer" in file)) return { header, body: file.bytes };
  const { diffId } = file.layer;
  const expected = { sizeBytes, digestHex: hexOf(diffId), what: `layer ${diffId} as it is stored` };
  return { header, body: verified(layers.openTar(diffId), expected) };
}

serveJobs(perform);
