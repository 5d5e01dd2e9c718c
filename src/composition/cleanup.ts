/** Removes leftovers of a crash that no record refers to. */
import type { Engine } from "../engine/mod.ts";
import { namesIn, removeTree } from "../engine/directories.ts";
import { unmountSharedMemory } from "../engine/containers/shared_memory.ts";
import { stateRoots } from "../engine/containers/runtimes.ts";
import { detachMountsBelow } from "../store/directory_driver/mounts_below.ts";
import { mounts } from "../sys/mod.ts";

/** Removes leftovers of a crash that no record refers to: parts of containers, files of runtime calls. */
export async function removeOrphans(engine: Engine): Promise<void> {
  const { paths, log } = engine.settings;
  const snapshots = engine.store.snapshots;
  const table = engine.containers.table;
  const remove = async (
    ids: readonly string[],
    removal: (id: string) => Promise<void>,
    isReferenced = (id: string) => table.has(id),
  ) => {
    for (const id of ids) {
      if (isReferenced(id)) continue;
      // A failure must not keep the engine from starting; the next start tries again.
      await removal(id).catch((thrown) =>
        log.error("a removed container left something", { id, error: String(thrown) })
      );
    }
  };
  for (const { name, dir } of await stateRoots(paths)) {
    const runtime = engine.runtime.runtimes.named(name);
    // Of a runtime that was removed from the configuration only the state directory is known.
    const forget = (id: string) => runtime?.delete(id, true) ?? removeTree(`${dir}/${id}`);
    await remove(await namesIn(dir), async (id) => void await forget(id));
  }
  await remove(await snapshots.list(), (id) => snapshots.remove(id), (id) => table.ofSnapshot(id) !== undefined);
  await engine.volumes.renamer.finish();
  await engine.volumes.service.sweep();
  for (const dir of [`${paths.dataRoot}/containers`, `${paths.runDir}/containers`]) {
    await remove(await namesIn(dir), (id) => {
      unmountSharedMemory(`${dir}/${id}`, mounts);
      // Also detaches mounts of volumes, whose content must not be removed.
      detachMountsBelow(`${dir}/${id}`);
      return removeTree(`${dir}/${id}`);
    });
  }
  for (const name of await namesIn(paths.runDir)) {
    if (/^(call|version)-\d/.test(name)) await removeTree(`${paths.runDir}/${name}`);
  }
}
