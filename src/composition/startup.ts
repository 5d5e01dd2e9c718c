/**
 * @module
 * Starts the parts of an engine, and in between finds, cleans up and restores what the previous engine left.
 */
import { removeOrphans } from "./cleanup.ts";
import { drainPlugins } from "./shutdown.ts";
import type { Engine } from "../engine/mod.ts";
import { callLineHooks } from "../engine/containers/log_sampling.ts";
import { bootMarker } from "../engine/lifecycle/boot.ts";
import type { Reexec } from "../engine/lifecycle/reexec.ts";
import { orphanedEnd } from "../runtime/orphaned_process.ts";
import { settleOrphanedRuntimes } from "../engine/lifecycle/orphaned_runtimes.ts";
import { removeCgroup } from "../engine/lifecycle/data_dirs.ts";
import { stateRoots } from "../engine/containers/runtimes.ts";
import { hasCompleted } from "./orphaned_steps.ts";
import { Stopwatch } from "../async/stopwatch.ts";
import { StorageProbe } from "../engine/lifecycle/storage_probe.ts";
import { sweepStorage } from "../store/drivers.ts";
import { processes } from "../sys/mod.ts";

/** How the engine is started. */
export interface Startup {
  readonly onDemand: boolean;
  /** The state passed on by this process before it re-executed itself. */
  readonly before: Reexec | undefined;
  /** Whether it is about to re-execute itself. */
  readonly isLeaving: () => boolean;
  /** Whether it has started, so that clients may have changed something. */
  readonly isUp: () => boolean;
}

/**
 * Starts the engine's parts in order.
 * @param ending disposes of them in reverse order
 */
export async function openEngine(
  engine: Engine,
  ending: AsyncDisposableStack,
  { onDemand, before, isLeaving, isUp }: Startup,
): Promise<void> {
  const { storage, log, notes, paths } = engine.settings;
  const watch = new Stopwatch();
  ending.use(engine.store.database);
  ending.use(engine.events.history);
  ending.use(engine.containers.table);
  ending.use(engine.plugins.hooks);
  watch.lap("database");
  const boot = await bootMarker(paths.runDir);
  engine.tasks.restore.find({ afterBoot: boot.isFirst });
  engine.execs.restore.find(before && { notes: before.notes.execs, streams: before.execStreams });
  // Children may have exited during a re-execution without a signal.
  ending.use(engine.runtime.reaper.start()).reap();
  watch.lap("find");
  const epoll = ending.use(engine.runtime.epoll);
  void epoll.run();
  const outputs = ending.use(engine.runtime.stdioRouter);
  ending.use(engine.images.ingestPool);
  ending.defer(() => engine.store.layers[Symbol.dispose]?.());
  ending.use(engine.containers.copyWorkers);
  ending.use(engine.images.archiveWorkers);
  if (notes === undefined) {
    const ended = (call: { pid: number; startTicks: string }) => orphanedEnd(call, engine.runtime.reaper, epoll);
    for (const { dir } of await stateRoots(paths)) await settleOrphanedRuntimes(dir, { processes, log, ended });
  }
  // A failure must not keep the engine from starting; the next start tries again.
  const onLeftover = (thrown: unknown) => log.error("unfinished work stays", { error: String(thrown) });
  await sweepStorage(storage, onLeftover).catch(onLeftover);
  await removeOrphans(engine);
  ending.use(await engine.images.incompletePulls.begin());
  watch.lap("sweep");
  await outputs.ready;
  watch.lap("worker");
  callLineHooks({ hooks: engine.plugins.hooks, outputs, table: engine.containers.table });
  const marked = engine.runtime.attachCounts.readAll();
  outputs.expect(notes?.outputs ?? marked);
  const containers = engine.containers.service;
  // Plugins are notified of containers that exited since the previous engine.
  await ending.use(engine.plugins.service).open();
  await engine.tasks.restore.run();
  await engine.execs.restore.run();
  engine.tasks.fdHolders.sweep();
  engine.volumes.mounts.sweep();
  const running = engine.containers.table.list().filter(({ isRunning }) => isRunning);
  await engine.networks.containers.lifetime.restore(new Set(running.map(({ id }) => id)));
  engine.events.orphanedIntents.settleAll((pending) => hasCompleted(engine, pending));
  engine.plugins.hooks.begin();
  watch.lap("adopt");
  ending.defer(() => removeCgroup(paths));
  // An engine that fails to start leaves the state of networks as it found it.
  ending.defer(() => isLeaving() || !isUp() ? undefined : engine.networks.containers.lifetime.leave());
  // After the end of a reload nothing reaps children, so operations in progress would never finish.
  ending.defer(() => isLeaving() ? undefined : containers.settle());
  ending.defer(() => isLeaving() ? undefined : drainPlugins(engine));
  ending.use(engine.tasks.health);
  // A re-execution does not count as an engine start: no container has stopped by it.
  const engineStart = notes === undefined && (boot.isFirst || !onDemand);
  // Recorded before containers are started, so that another engine doesn't start them again for the same boot.
  await boot.record();
  ending.use(engine.tasks.restartManager).begin({ engineStart });
  ending.use(new StorageProbe(engine.store.layers, engine.store.snapshots, log));
  log.debug("opened", { containers: engine.containers.table.list().length, ...watch.fields });
}
