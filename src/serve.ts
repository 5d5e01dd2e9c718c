/**
 * @module
 * The engine as a process: `tsd daemon`. It takes the lock, opens what was left, adopts running containers, listens, and
 * at the end lets go of everything but the containers, which run on.
 */
import { Composition, type EngineSettings, TOKENS } from "./composition.ts";
import { isFirstSinceBoot } from "./engine/boot.ts";
import { clearSocket, isAnswered, ownSocket } from "./engine/engine_socket.ts";
import { namesIn, removeTree } from "./engine/folders.ts";
import { IdleWatch } from "./engine/idle.ts";
import { DEFAULT_DATA_ROOT, type EnginePaths, enginePaths, runtimeRoot } from "./engine/paths.ts";
import { TsdError } from "./errors.ts";
import { storageError } from "./io/mod.ts";
import { LineLog, type Log, LOG_LEVELS, type LogLevel } from "./log.ts";
import { probeHost } from "./runtime/spec/mod.ts";
import { sweepIngest } from "./store/overlay2/mod.ts";
import { cString, files, O, OwnedFd, ownProcess, tryLock } from "./sys/mod.ts";

/** What `tsd daemon` was told. */
export interface ServeOptions {
  /** Default: `/var/lib/tsd`. Another one makes a private engine. */
  readonly dataRoot?: string;
  /** `unix://PATH`. Default: `tsd.sock` in the run folder. */
  readonly host?: string;
  /** Started by a client: own session, output to `engine.log`, goes away when idle. */
  readonly onDemand?: boolean;
  readonly logLevel?: string;
}

/** How long an engine that was started on demand stays without work; the environment's `TSD_IDLE_SECONDS` goes first. */
const IDLE_SECONDS = 60;
/** How long an engine that was started on demand waits for the end of one that is on its way out, in ms. */
const HANDOVER_MS = 9_000;
const HANDOVER_POLL_MS = 20;
/** What requests under way get at the end, in ms. */
const CLOSE_GRACE_MS = 500;
const RUNTIME_PATHS = ["/usr/bin/runc", "/usr/sbin/runc", "/usr/local/bin/runc", "/usr/local/sbin/runc"];

/** Runs an engine until it is told to end; resolves to the process's exit code. @throws {TsdError} */
export async function serve(options: ServeOptions): Promise<number> {
  const level = logLevel(options.logLevel);
  if (Deno.uid() !== 0) {
    throw new TsdError(
      "permission_denied",
      "Cannot start the engine: tsd needs root (rootless mode does not exist yet)",
    );
  }
  const paths = await enginePaths(await dataRootOf(options.dataRoot ?? DEFAULT_DATA_ROOT));
  const socket = socketPath(options.host, paths);
  ownProcess.umask(0o022);
  await runDirOf(paths.runDir);
  using lock = await lockOf(paths, options.onDemand ? socket : undefined);
  if (lock === undefined) return 0;
  if (options.onDemand) detach(`${paths.runDir}/engine.log`);
  return await run(paths, socket, level, options.onDemand ?? false);
}

async function run(paths: EnginePaths, socket: string, level: LogLevel, onDemand: boolean): Promise<number> {
  const log = new LineLog((line) => Deno.stderr.writeSync(new TextEncoder().encode(line + "\n")), level);
  const stopped = Promise.withResolvers<string>();
  await using ending = new AsyncDisposableStack();
  let idle: IdleWatch | undefined;
  const settings: EngineSettings = {
    paths,
    log,
    facts: await probeHost(),
    runtimePath: await runtimePath(),
    insecureRegistries: [],
    onRequest: (userAgent) => idle?.used(userAgent),
  };
  const { get } = new Composition(settings);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const stop = () => stopped.resolve(signal);
    Deno.addSignalListener(signal, stop);
    ending.defer(() => Deno.removeSignalListener(signal, stop));
  }
  ending.use(surviveBugs(log));
  ownProcess.setChildSubreaper();
  await open(get, ending, onDemand);
  const server = get(TOKENS.server);
  await clearSocket(socket);
  await server.listen(socket);
  ending.use(await ownSocket(socket));
  ending.defer(() => server.close(CLOSE_GRACE_MS));
  // A client that is cut off now has not ended its input.
  ending.defer(() => get(TOKENS.keepers).leave());
  if (onDemand) {
    idle = ending.use(
      new IdleWatch({
        afterMs: idleMs(),
        busy: () => server.activeRequests > 0 || get(TOKENS.containers).isBusy,
        onIdle: () => stopped.resolve("idle"),
      }),
    );
  }
  log.info("listening", { socket, dataRoot: paths.dataRoot, pid: Deno.pid });
  log.info("stopping", { why: await stopped.promise });
  return 0;
}

/** An error that nobody handled is a bug; it is logged, and costs one request instead of the engine. */
function surviveBugs(log: Log): Disposable {
  const report = (event: Event, thrown: unknown) => {
    event.preventDefault();
    log.error("unhandled", { error: String(thrown), stack: thrown instanceof Error ? thrown.stack : undefined });
  };
  const onRejection = (event: PromiseRejectionEvent) => report(event, event.reason);
  const onError = (event: ErrorEvent) => report(event, event.error);
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  return {
    [Symbol.dispose]: () => {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("error", onError);
    },
  };
}

/** Brings the engine's parts up, in order; `ending` takes them down again in the opposite one. */
async function open(get: Composition["get"], ending: AsyncDisposableStack, onDemand: boolean): Promise<void> {
  const { paths, log } = get(TOKENS.settings);
  ending.use(get(TOKENS.database));
  ending.use(get(TOKENS.eventHistory));
  ending.use(get(TOKENS.table));
  const isFirst = await isFirstSinceBoot(paths.runDir);
  get(TOKENS.adoption).find({ afterBoot: isFirst });
  // After a re-execution there may be children that have ended in between, and no signal says so.
  ending.use(get(TOKENS.exits).start()).reap();
  const epoll = ending.use(get(TOKENS.epoll));
  void epoll.run();
  const outputs = ending.use(get(TOKENS.outputs));
  ending.use(get(TOKENS.pool));
  await sweepIngest(paths.layerRoot);
  await sweepOrphans(get);
  await outputs.ready;
  const containers = get(TOKENS.containers);
  await get(TOKENS.adoption).run();
  ending.defer(() => removeCgroup(paths));
  ending.defer(() => containers.settle());
  ending.use(get(TOKENS.health));
  ending.use(get(TOKENS.restarts)).begin({ engineStart: isFirst || !onDemand });
  log.debug("opened", { containers: get(TOKENS.table).list().length });
}

/** What a crash left that no record names: layers of unfinished pulls, parts of containers, files of calls. */
async function sweepOrphans(get: Composition["get"]): Promise<void> {
  const { paths, log } = get(TOKENS.settings);
  const snapshots = get(TOKENS.snapshots);
  const gone = await get(TOKENS.remover).sweepLayers(await get(TOKENS.layers).list());
  if (gone.length > 0) log.info("removed layers that no image names", { count: gone.length });
  const remove = async (ids: readonly string[], removal: (id: string) => Promise<void>) => {
    for (const id of ids) {
      if (get(TOKENS.table).has(id)) continue;
      // What can't be removed is no reason not to serve: the next start tries again.
      await removal(id).catch((thrown) =>
        log.error("a removed container left something", { id, error: String(thrown) })
      );
    }
  };
  await remove(await namesIn(runtimeRoot(paths)), (id) => get(TOKENS.runtime).delete(id, true));
  await remove(await snapshots.list(), (id) => snapshots.remove(id));
  for (const folder of [`${paths.dataRoot}/containers`, `${paths.runDir}/containers`]) {
    await remove(await namesIn(folder), (id) => removeTree(`${folder}/${id}`));
  }
  for (const name of await namesIn(paths.runDir)) {
    if (/^(call|version)-\d/.test(name)) await removeTree(`${paths.runDir}/${name}`);
  }
}

/** Its own session, and output where the client that started it can find it. */
function detach(logFile: string): void {
  ownProcess.setsid();
  using file = new OwnedFd(files.open(cString(logFile), O.WRONLY | O.CREAT | O.APPEND, 0o640));
  for (const target of [1, 2]) ownProcess.dup2(file.fd, target);
}

function socketPath(host: string | undefined, paths: EnginePaths): string {
  if (host === undefined) return `${paths.runDir}/tsd.sock`;
  const path = host.replace(/^unix:\/\//, "");
  if (!path.startsWith("/")) {
    throw new TsdError("invalid_argument", `Cannot listen on ${host}: only unix:// with an absolute path is supported`);
  }
  return path;
}

/** @throws {TsdError} storage */
async function dataRootOf(given: string): Promise<string> {
  try {
    // Something in it, so that a file system that takes nothing is found now.
    await Deno.mkdir(`${given}/containers`, { recursive: true, mode: 0o710 });
    return await Deno.realPath(given);
  } catch (thrown) {
    throw storageError(`Cannot use the data root ${given}`, thrown);
  }
}

async function runDirOf(path: string): Promise<void> {
  try {
    await Deno.mkdir(`${path}/containers`, { recursive: true, mode: 0o710 });
  } catch (thrown) {
    throw storageError(`Cannot use the run folder ${path}`, thrown);
  }
}

/**
 * The lock that one engine of a data root holds for life. With `sharedSocket`, undefined means that another engine answers
 * there and serves whoever started this one. @throws {TsdError} conflict
 */
async function lockOf({ runDir, dataRoot }: EnginePaths, sharedSocket: string | undefined) {
  for (const deadline = Date.now() + HANDOVER_MS;;) {
    const lock = tryLock(`${runDir}/lock`);
    if (lock !== "held") return lock;
    if (sharedSocket !== undefined && await isAnswered(sharedSocket)) return undefined;
    if (sharedSocket === undefined || Date.now() > deadline) {
      throw new TsdError("conflict", `Cannot start the engine: another one uses ${dataRoot} already`);
    }
    // It has only just started, or is about to end: then this one takes its place.
    await new Promise((resolve) => setTimeout(resolve, HANDOVER_POLL_MS));
  }
}

/** The first runc there is; a missing one is said when it is needed. */
async function runtimePath(): Promise<string> {
  for (const path of RUNTIME_PATHS) {
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return RUNTIME_PATHS[0];
}

/** Our cgroup goes when no container is left in it; until then the kernel refuses, which is right. */
async function removeCgroup({ cgroup }: EnginePaths): Promise<void> {
  const mounts = await Deno.readTextFile("/proc/self/mounts");
  for (const line of mounts.split("\n")) {
    const [, target, type] = line.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") continue;
    await removeIfEmpty(`${target}/${cgroup}`);
  }
}

async function removeIfEmpty(cgroup: string): Promise<void> {
  try {
    await Deno.remove(cgroup);
  } catch (thrown) {
    const busy = thrown instanceof Error && "code" in thrown && thrown.code === "EBUSY";
    if (!busy && !(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

function logLevel(given: string | undefined): LogLevel {
  const level = LOG_LEVELS.find((each) => each === (given ?? "info"));
  if (level !== undefined) return level;
  throw new TsdError("invalid_argument", `Unknown log level ${given}: use one of ${LOG_LEVELS.join(", ")}`);
}

/** @throws {TsdError} invalid_argument */
function idleMs(): number {
  const given = Deno.env.get("TSD_IDLE_SECONDS");
  if (given === undefined) return IDLE_SECONDS * 1000;
  if (/^\d{1,6}$/.test(given)) return Number(given) * 1000;
  throw new TsdError("invalid_argument", `Invalid TSD_IDLE_SECONDS ${JSON.stringify(given)}: give a number of seconds`);
}
