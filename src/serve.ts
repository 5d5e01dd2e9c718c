/**
 * @module
 * The engine as a process: `tsd daemon`. It takes the lock, opens what was left, adopts running containers, listens, and
 * at the end lets go of everything but the containers, which run on.
 */
import { Composition, type EngineSettings, TOKENS } from "./composition.ts";
import { AsyncQueue } from "./engine/async_queue.ts";
import { tellLines } from "./engine/containers/line_samples.ts";
import { isFirstSinceBoot } from "./engine/boot.ts";
import { configTrouble, type EngineConfig, readEngineConfig } from "./engine/config/engine_config.ts";
import { useProxies } from "./engine/config/proxies.ts";
import { checkSocketPlace, listenAt, ownSocket } from "./engine/engine_socket.ts";
import { handOn, type Handover, type HandoverNotes, type Leaving, reexecute, takeOver } from "./engine/handover.ts";
import { namesIn, removeTree } from "./engine/folders.ts";
import { unmountSharedMemory } from "./engine/containers/shared_memory.ts";
import { IdleWatch } from "./engine/idle.ts";
import { leftEnd } from "./engine/left_process.ts";
import { settleLeftRuntimes } from "./engine/left_runtimes.ts";
import { MemoryRest } from "./engine/memory_rest.ts";
import { dataRootOf, lockOf, removeCgroup, runDirOf } from "./engine/own_folders.ts";
import { DEFAULT_DATA_ROOT, type EnginePaths, enginePaths } from "./engine/paths.ts";
import { type RuntimeProgram, stateRoots, STOCK_RUNTIME } from "./engine/runtimes.ts";
import { NOTIFY_SOCKET, ServiceNotifier } from "./engine/service_notify.ts";
import { Stopwatch } from "./engine/stopwatch.ts";
import { canStart } from "./engine/successor.ts";
import { TsdError } from "./errors.ts";
import { chooseHashEngine } from "./hash/mod.ts";
import { LineLog, type Log, LOG_LEVELS, type LogLevel } from "./log.ts";
import { probeHost } from "./runtime/spec/mod.ts";
import { detachMountsBelow } from "./store/layer_folders/mounts_below.ts";
import { chooseStorage, sweepStorage, unusedText } from "./store/storage.ts";
import { cString, files, mounts, O, OwnedFd, ownMemory, ownProcess, pipes, processes, unixPeers } from "./sys/mod.ts";

/** What `tsd daemon` was told. */
export interface ServeOptions {
  /** Default: `/var/lib/tsd`. Another one makes a private engine. */
  readonly dataRoot?: string;
  /** Default: `/etc/tsd/config.json`, if it is there. */
  readonly configFile?: string;
  /** Default: the configuration's, else what the data-root holds, else the best that works there. */
  readonly storageDriver?: string;
  /** `unix://PATH`. Default: `tsd.sock` in the run folder. */
  readonly host?: string;
  /** Started by a client: own session, output to `engine.log`, goes away when idle. */
  readonly onDemand?: boolean;
  readonly logLevel?: string;
  /** The command that serves it again, for `tsd daemon reload`; without it that is refused. */
  readonly command?: readonly string[];
}

/** A {@link ServeOptions} that was understood. */
interface Serving {
  readonly paths: EnginePaths;
  readonly socket: string;
  readonly level: LogLevel;
  readonly config: EngineConfig;
  readonly configFile: string | undefined;
  readonly storageDriver: string | undefined;
  readonly onDemand: boolean;
  readonly command: readonly string[] | undefined;
  /** From this very process, before it executed itself anew. */
  readonly before: Handover | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** How long an engine that was started on demand stays without work; the environment's `TSD_IDLE_SECONDS` goes first. */
const IDLE_SECONDS = 60;
/** How long nobody has asked for anything when memory is given back, in ms. */
const REST_AFTER_MS = 2_000;
/** How long outputs wait for clients that were attached before a re-execution, in ms. */
const RETURN_LIMIT_MS = 3_000;
/** What requests under way get at the end, in ms. */
const CLOSE_GRACE_MS = 500;
/** What input that is on its way gets when the engine executes itself anew, in ms. */
const LAST_INPUT_MS = 700;
const RELOAD = "SIGHUP";
/** Names the sets of authorities that Deno trusts; by default its own only. */
const CA_STORE = "DENO_TLS_CA_STORE";
/** Where runtimes are looked for. */
const PROGRAM_FOLDERS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/** Runs an engine until it is told to end; resolves to the process's exit code. @throws {TsdError} */
export async function serve(options: ServeOptions): Promise<number> {
  const level = logLevel(options.logLevel);
  if (Deno.uid() !== 0) {
    throw new TsdError(
      "permission_denied",
      "Cannot start the engine: tsd needs root (rootless mode does not exist yet)",
    );
  }
  // What is set from here on is this engine's business, not the next one's.
  const environment = Deno.env.toObject();
  // As with Docker the machine's own authorities count. Read at the first request, which is far off.
  if (environment[CA_STORE] === undefined) Deno.env.set(CA_STORE, "mozilla,system");
  const { configFile } = options;
  const config = await readEngineConfig(configFile);
  if (config.hashEngine !== undefined) chooseHashEngine(config.hashEngine);
  const paths = await enginePaths(await dataRootOf(options.dataRoot ?? DEFAULT_DATA_ROOT));
  const socket = socketPath(options.host, paths);
  ownProcess.umask(0o022);
  await runDirOf(paths.runDir);
  const before = takeOver(paths.runDir);
  using lock = before?.lock ?? await lockOf(paths, options.onDemand ? socket : undefined);
  if (lock === undefined) return 0;
  if (options.onDemand && before === undefined) detach(`${paths.runDir}/engine.log`);
  const { onDemand = false, command, storageDriver } = options;
  const left = await run({
    paths,
    socket,
    level,
    config,
    configFile,
    storageDriver,
    onDemand,
    command,
    before,
    environment,
  });
  if (left === undefined || command === undefined) return 0;
  handOn(paths.runDir, { lock, ...left });
  // Whoever wants its end has it, also in the middle of a reload: signals that have come are heard in the next turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (left.isStopped()) {
    await (await ownSocket(socket))[Symbol.asyncDispose]();
    return 0;
  }
  return reexecute(command, environment);
}

/** Resolves to what is handed on to the engine that this one becomes, or to nothing. */
async function run(
  serving: Serving,
): Promise<Omit<Leaving, "lock"> & { readonly isStopped: () => boolean } | undefined> {
  const { paths, socket, level, config, onDemand, before } = serving;
  const log = new LineLog((line) => Deno.stderr.writeSync(new TextEncoder().encode(line + "\n")), level);
  const asked = new AsyncQueue<string>();
  const left: { notes?: HandoverNotes | undefined; isStopped?: boolean } = {};
  await using ending = new AsyncDisposableStack();
  let idle: IdleWatch | undefined;
  const { gc: collect } = globalThis as { gc?: () => void };
  const rest = ending.use(new MemoryRest({ afterMs: REST_AFTER_MS, memory: ownMemory, collect }));
  const settings: EngineSettings = {
    paths,
    storage: await chooseStorage(paths.dataRoot, serving.storageDriver ?? config.storageDriver),
    log,
    facts: await probeHost(),
    runtimes: await runtimePrograms(config),
    config,
    proxies: useProxies(config.proxies, Deno.env),
    environment: serving.environment,
    notes: before?.notes,
    onRequest: (userAgent) => {
      idle?.used(userAgent);
      rest.used();
    },
  };
  for (const each of settings.storage.unused ?? []) {
    log.warn("the data-root holds unused layers", { which: unusedText(each) });
  }
  const { get } = new Composition(settings);
  for (const signal of ["SIGTERM", "SIGINT", RELOAD] as const) {
    const stop = () => {
      left.isStopped ||= signal !== RELOAD;
      asked.push(signal);
    };
    Deno.addSignalListener(signal, stop);
    // In the middle of a reload nobody else would hear it.
    ending.defer(() => left.notes === undefined ? Deno.removeSignalListener(signal, stop) : undefined);
  }
  ending.use(surviveBugs(log));
  ownProcess.setChildSubreaper();
  const notifier = new ServiceNotifier({ socket: Deno.env.get(NOTIFY_SOCKET), peers: unixPeers, log });
  await open(get, ending, { onDemand, before, isLeaving: () => left.notes !== undefined });
  const server = get(TOKENS.server);
  if (before === undefined) await checkSocketPlace(socket);
  const listener = before?.listener ?? listenAt(socket);
  await server.listen(pipes.duplicate(listener.fd));
  const owned = await ownSocket(socket);
  ending.defer(() => left.notes === undefined ? owned[Symbol.asyncDispose]() : undefined);
  ending.defer(() => server.close(left.notes === undefined ? CLOSE_GRACE_MS : 0));
  // A client that is cut off now has not ended its input.
  ending.defer(() => get(TOKENS.keepers).leave());
  if (onDemand) {
    idle = ending.use(
      new IdleWatch({
        afterMs: idleMs(),
        busy: () => server.activeRequests > 0 || get(TOKENS.containers).isBusy,
        onIdle: () => asked.push("idle"),
        hasOtherClients: before?.notes.hasOtherClients ?? false,
      }),
    );
  }
  log.info("listening", { socket, dataRoot: paths.dataRoot, pid: Deno.pid, again: before !== undefined });
  notifier.ready(`listening on ${socket}`);
  for await (const why of asked) {
    if (why !== RELOAD) {
      log.info("stopping", { why });
      notifier.stopping();
      return undefined;
    }
    const trouble = await canStart(serving.command, Deno.env.toObject(), processes, get(TOKENS.exits)) ??
      await configTrouble(serving.configFile);
    if (trouble === undefined) break;
    log.error("not reloading", { why: trouble });
  }
  log.info("reloading", { command: serving.command?.join(" ") });
  notifier.reloading();
  left.notes = await notesOf(get, idle?.hasOtherClients ?? false);
  const execFds = await get(TOKENS.execs).heldFds();
  return { listener, notes: left.notes, execFds, isStopped: () => left.isStopped ?? false };
}

/** Comes to rest, and says what is under way all the same. */
async function notesOf(get: Composition["get"], hasOtherClients: boolean): Promise<HandoverNotes> {
  get(TOKENS.keepers).leave();
  get(TOKENS.restarts)[Symbol.dispose]();
  await get(TOKENS.health)[Symbol.asyncDispose]();
  await get(TOKENS.server).drain(CLOSE_GRACE_MS);
  await get(TOKENS.containers).settle();
  await get(TOKENS.execLauncher).idle();
  // Their ends are seen while somebody waits for children.
  await get(TOKENS.plugins)[Symbol.asyncDispose]();
  const outputs = await get(TOKENS.outputs).suspend();
  await get(TOKENS.server).leave(LAST_INPUT_MS);
  // Who ends from now on waits for the engine that comes.
  get(TOKENS.exits)[Symbol.dispose]();
  const execs = get(TOKENS.execs).notes;
  return { outputs, exits: get(TOKENS.runs).unrecordedExits, execs, hasOtherClients };
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
async function open(
  get: Composition["get"],
  ending: AsyncDisposableStack,
  { onDemand, before, isLeaving }: Pick<Serving, "onDemand" | "before"> & { readonly isLeaving: () => boolean },
): Promise<void> {
  const { storage, log, notes, paths } = get(TOKENS.settings);
  const watch = new Stopwatch();
  ending.use(get(TOKENS.database));
  ending.use(get(TOKENS.eventHistory));
  ending.use(get(TOKENS.table));
  ending.use(get(TOKENS.hooks));
  watch.lap("database");
  const isFirst = await isFirstSinceBoot(paths.runDir);
  get(TOKENS.adoption).find({ afterBoot: isFirst });
  get(TOKENS.execAdoption).find(before && { notes: before.notes.execs, streams: before.execStreams });
  // After a re-execution there may be children that have ended in between, and no signal says so.
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
    const ended = (call: { pid: number; startTicks: string }) => leftEnd(call, get(TOKENS.exits), epoll);
    for (const { folder } of await stateRoots(paths)) await settleLeftRuntimes(folder, { processes, log, ended });
  }
  // What can't be cleared away is no reason not to serve: the next start tries again.
  const stays = (thrown: unknown) => log.error("unfinished work stays", { error: String(thrown) });
  await sweepStorage(storage, stays).catch(stays);
  await sweepOrphans(get);
  ending.use(await get(TOKENS.unfinishedPulls).begin());
  watch.lap("sweep");
  await outputs.ready;
  watch.lap("worker");
  tellLines({ hooks: get(TOKENS.hooks), outputs, table: get(TOKENS.table) });
  outputs.expect(notes?.outputs ?? [], RETURN_LIMIT_MS);
  const containers = get(TOKENS.containers);
  await get(TOKENS.adoption).run();
  await get(TOKENS.execAdoption).run();
  get(TOKENS.volumeMounts).sweep();
  const running = get(TOKENS.table).list().filter(({ isRunning }) => isRunning);
  await get(TOKENS.networks).adopt(new Set(running.map(({ id }) => id)));
  get(TOKENS.hooks).begin();
  watch.lap("adopt");
  ending.defer(() => removeCgroup(paths));
  ending.defer(() => isLeaving() ? undefined : get(TOKENS.networks).leave());
  // After a reload's end nobody reaps: what is under way by then would never end.
  ending.defer(() => isLeaving() ? undefined : containers.settle());
  await ending.use(get(TOKENS.plugins)).open();
  ending.use(get(TOKENS.health));
  // A re-execution is no start of the engine: nobody has gone.
  const engineStart = notes === undefined && (isFirst || !onDemand);
  ending.use(get(TOKENS.restarts)).begin({ engineStart });
  log.debug("opened", { containers: get(TOKENS.table).list().length, ...watch.fields });
}

/** What a crash left that no record names: parts of containers, files of calls. */
async function sweepOrphans(get: Composition["get"]): Promise<void> {
  const { paths, log } = get(TOKENS.settings);
  const snapshots = get(TOKENS.snapshots);
  const table = get(TOKENS.table);
  const remove = async (
    ids: readonly string[],
    removal: (id: string) => Promise<void>,
    isKnown = (id: string) => table.has(id),
  ) => {
    for (const id of ids) {
      if (isKnown(id)) continue;
      // What can't be removed is no reason not to serve: the next start tries again.
      await removal(id).catch((thrown) =>
        log.error("a removed container left something", { id, error: String(thrown) })
      );
    }
  };
  for (const { name, folder } of await stateRoots(paths)) {
    const runtime = get(TOKENS.runtimes).named(name);
    // Of a runtime that is not in the configuration any more nothing but the folder is known.
    const forget = (id: string) => runtime?.delete(id, true) ?? removeTree(`${folder}/${id}`);
    await remove(await namesIn(folder), async (id) => void await forget(id));
  }
  await remove(await snapshots.list(), (id) => snapshots.remove(id), (id) => table.ofSnapshot(id) !== undefined);
  await get(TOKENS.volumeRenamer).finish();
  await get(TOKENS.volumes).sweep();
  for (const folder of [`${paths.dataRoot}/containers`, `${paths.runDir}/containers`]) {
    await remove(await namesIn(folder), (id) => {
      unmountSharedMemory(`${folder}/${id}`, mounts);
      // Also parts of volumes, which must not go with it.
      detachMountsBelow(`${folder}/${id}`);
      return removeTree(`${folder}/${id}`);
    });
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

/** How each runtime is called. */
async function runtimePrograms({ runtimes }: EngineConfig): Promise<ReadonlyMap<string, RuntimeProgram>> {
  const found = new Map([[STOCK_RUNTIME, { path: await programPath(STOCK_RUNTIME), args: [] as readonly string[] }]]);
  for (const [name, { program, args }] of Object.entries(runtimes)) {
    found.set(name, { path: await programPath(program), args });
  }
  return found;
}

/** The first there is; a missing one is said when it is needed. */
async function programPath(name: string): Promise<string> {
  if (name.startsWith("/")) return name;
  const paths = PROGRAM_FOLDERS.map((folder) => `${folder}/${name}`);
  for (const path of paths) {
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return paths[0]!;
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
