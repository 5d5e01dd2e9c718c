/**
 * @module
 * Entry of the archive Workers. Protocol: `protocol.ts`; operations: `tasks.ts`.
 */
import { decompressed } from "../../io/mod.ts";
import type { CopyJob, CopyTask, PathStat } from "./protocol.ts";
import { copyPath, packPath, packRoot, statPath, UnpackingTask } from "./tasks.ts";
import { openContainerRootfs } from "./container_rootfs.ts";
import { serveJobs, type WorkerJob } from "./worker_job.ts";

type Work = WorkerJob<PathStat>;

async function perform({ view: spec, task, container }: CopyJob, work: Work): Promise<void> {
  using view = openContainerRootfs(spec);
  const context = { view, container };
  switch (task.kind) {
    case "stat":
      return work.tell(statPath(context, task.path));
    case "pack":
      return await work.sendAll(withoutInfo(packPath(context, task.path), work));
    case "export":
      return await work.sendAll(packRoot(context, task));
    case "copy":
      return await work.perform(copyPath(context, task));
    case "unpack":
      return await unpack(context, task, spec.root, work);
  }
}

function* withoutInfo(parts: ReturnType<typeof packPath>, work: Work): Generator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else work.tell(part);
  }
}

async function unpack(
  context: ConstructorParameters<typeof UnpackingTask>[0],
  task: Extract<CopyTask, { readonly kind: "unpack" }>,
  root: string,
  work: Work,
): Promise<void> {
  using unpacking = new UnpackingTask(context, task, root);
  for await (const chunk of decompressed(work.input(), { what: "the archive" })) {
    work.throwIfCancelled();
    unpacking.feed(chunk);
  }
  unpacking.finish();
}

serveJobs(perform);
