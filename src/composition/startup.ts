/**
 * @module
 * Starts the parts of an engine, and in between finds, cleans up and restores what the previous engine left.
 */
import { removeOrphans } from "./cleanup.ts";
import { drainPlugins } from "./shutdown.ts";
import { type Get, TOKENS } from "./tokens.ts";
import { callLineHooks } from "../engine/containers/log_sampling.ts";
import { bootMarker } from "../engine/lifecycle/boot.ts";
import type { Reexec } from "../engine/lifecycle/reexec.ts";
import { orphanedEnd } from "../runtime/orphaned_process.ts";
import { settleOrphanedRuntimes } from "../engine/lifecycle/orphaned_runtimes.ts";
import { removeCgroup } from "../engine/lifecycle/data_dirs.ts";
import { stateRoots } from "../engine/containers/runtimes.ts";
import { hasComeTrue } from "./left_steps.ts";
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
  get: Get,
  ending: AsyncDisposableStack,
  { onDemand, before, isLeaving, isUp }: Startup,
): Promise<void> {
  const { storage, log, notes, paths } = get(TOKENS.settings);
  const watch = new Stopwatch();
  ending.use(get(TOKENS.database));
  ending.use(get(TOKENS.eventHistory));
  ending.use(get(TOKENS.table));
  ending.use(get(TOKENS.hooks));
  watch.lap("database");
  const boot = await bootMarker(paths.runDir);
  get(TOKENS.restore).find({ afterBoot: boot.isFirst });
  get(TOKENS.execRestore).find(before && { notes: before.notes.execs, streams: before.execStreams });
  // Children may have exited during a re-execution without a signal.
  ending.use(get(TOKENS.exits).start()).reap();
  watch.lap("find");
  const epoll = ending.use(get(TOKENS.epoll));
  void epoll.run();
  const outputs = ending.use(get(TOKENS.outputs));
  ending.use(get(TOKENS.pool));
  ending.defer(() => get(TOKENS.layers)[Symbol.dispose]?.());
  ending.use(get(TOKENS.archiveWorkers));
  ending.use(get(TOKENS.imageArchiveWorkers));
  if (notes === undefined) {
    const ended = (call: { pid: number; startTicks: string }) => orphanedEnd(call, get(TOKENS.exits), epoll);
    for (const { dir } of await stateRoots(paths)) await settleOrphanedRuntimes(dir, { processes, log, ended });
  }
  // A failure must not keep the engine from starting; the next start tries again.
  const onLeftover = (thrown: unknown) => log.error("unfinished work stays", { error: String(thrown) });
  await sweepStorage(storage, onLeftover).catch(onLeftover);
  await removeOrphans(get);
  ending.use(await get(TOKENS.incompletePulls).begin());
  watch.lap("sweep");
  await outputs.ready;
  watch.lap("worker");
  callLineHooks({ hooks: get(TOKENS.hooks), outputs, table: get(TOKENS.table) });
  const marked = get(TOKENS.attachedMarks).readAll();
  outputs.expect(notes?.outputs ?? marked);
  const containers = get(TOKENS.containers);
  // Plugins are notified of containers that exited since the previous engine.
  await ending.use(get(TOKENS.plugins)).open();
  await get(TOKENS.restore).run();
  await get(TOKENS.execRestore).run();
  get(TOKENS.fdHolders).sweep();
  get(TOKENS.volumeMounts).sweep();
  const running = get(TOKENS.table).list().filter(({ isRunning }) => isRunning);
  await get(TOKENS.networks).lifetime.restore(new Set(running.map(({ id }) => id)));
  get(TOKENS.orphanedIntents).settleAll((pending) => hasComeTrue(get, pending));
  get(TOKENS.hooks).begin();
  watch.lap("adopt");
  ending.defer(() => removeCgroup(paths));
  // An engine that fails to start leaves the state of networks as it found it.
  ending.defer(() => isLeaving() || !isUp() ? undefined : get(TOKENS.networks).lifetime.leave());
  // After the end of a reload nothing reaps children, so operations in progress would never finish.
  ending.defer(() => isLeaving() ? undefined : containers.settle());
  ending.defer(() => isLeaving() ? undefined : drainPlugins(get));
  ending.use(get(TOKENS.health));
  // A re-execution does not count as an engine start: no container has stopped by it.
  const engineStart = notes === undefined && (boot.isFirst || !onDemand);
  // Recorded before containers are started, so that another engine doesn't start them again for the same boot.
  await boot.record();
  ending.use(get(TOKENS.restarts)).begin({ engineStart });
  ending.use(new StorageProbe(get(TOKENS.layers), get(TOKENS.snapshots), log));
  log.debug("opened", { containers: get(TOKENS.table).list().length, ...watch.fields });
}
