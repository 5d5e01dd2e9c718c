/**
 * @module
 * The engine as a process: `tsd daemon`. It takes the lock, opens what was left, adopts running containers, listens, and
 * at the end lets go of everything but the containers, which run on.
 */
import { Composition, type EngineSettings, TOKENS } from "./composition.ts";
import { openEngine } from "./composition/startup.ts";
import { drainPlugins } from "./composition/shutdown.ts";
import { runtimePrograms } from "./engine/config/runtime_programs.ts";
import { AsyncQueue } from "./async/queue.ts";
import { configTrouble, type EngineConfig, readEngineConfig } from "./engine/config/engine_config.ts";
import { useProxies } from "./engine/config/proxies.ts";
import { bindSocket, checkSocketPath, listenAt } from "./engine/lifecycle/socket.ts";
import {
  type Departing,
  passOn,
  type Reexec,
  type ReexecState,
  reexecute,
  takeOver,
} from "./engine/lifecycle/reexec.ts";
import { IdleWatch } from "./engine/lifecycle/idle.ts";
import { type Collect, IdleTrim } from "./engine/lifecycle/idle_trim.ts";
import { dataRootOf, lockOf, runDirOf } from "./engine/lifecycle/data_dirs.ts";
import { lockExecutable } from "./engine/lifecycle/executable_lock.ts";
import type { SelfProgram } from "./engine/networks/dns_process.ts";
import { DEFAULT_DATA_ROOT, type EnginePaths, enginePaths } from "./engine/paths.ts";
import { NOTIFY_SOCKET, ServiceNotifier } from "./engine/lifecycle/service_notify.ts";
import { canStart } from "./engine/lifecycle/reexec_check.ts";
import { TsdError } from "./errors.ts";
import { openCommandServer } from "./command_server/command_server.ts";
import { chooseHashEngine } from "./hash/mod.ts";
import { LineLog, type Log, LOG_LEVELS, type LogLevel } from "./log.ts";
import { probeHost } from "./runtime/spec/mod.ts";
import { chooseDriver, unusedText } from "./store/drivers.ts";
import { cString, files, O, OwnedFd, ownProcess, pipes, processes, selfMemory, SIG, unixPeers } from "./sys/mod.ts";

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
  readonly before: Reexec | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** How long an engine that was started on demand stays without work; the environment's `TSD_IDLE_SECONDS` goes first. */
const IDLE_SECONDS = 60;
/** How long nobody has asked for anything when memory is given back, in ms. */
const REST_AFTER_MS = 2_000;
/**
 * How long outputs wait for clients that were attached when the engine before went away, in ms: after a re-execution, and
 * after a crash, which docker's clients don't come back from.
 */
const RETURN_LIMIT_MS = { reload: 3_000, crash: 1_000 } as const;
/** What requests under way get at the end, in ms. */
const CLOSE_GRACE_MS = 500;
/** What input that is on its way gets when the engine executes itself anew, in ms. */
const LAST_INPUT_MS = 700;
/** How long a signal takes at most from its handler to who listens, in ms. */
const LAST_SIGNAL_MS = 5;
const RELOAD = "SIGHUP";
/** Names the sets of authorities that Deno trusts; by default its own only. */
const CA_STORE = "DENO_TLS_CA_STORE";

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
  passOn(paths.runDir, { lock, ...left });
  // Whoever wants its end has it, also in the middle of a reload: from here on a signal ends it at once, and those that
  // have come before are heard in the next turns.
  for (const signal of [SIG.TERM, SIG.INT]) ownProcess.defaultSignal(signal);
  await new Promise((resolve) => setTimeout(resolve, LAST_SIGNAL_MS));
  if (left.isStopped()) {
    await (await bindSocket(socket))[Symbol.asyncDispose]();
    return 0;
  }
  return reexecute(command, environment);
}

/** Resolves to what is handed on to the engine that this one becomes, or to nothing. */
async function run(
  serving: Serving,
): Promise<Omit<Departing, "lock"> & { readonly isStopped: () => boolean } | undefined> {
  const { paths, socket, level, config, onDemand, before } = serving;
  const log = new LineLog((line) => Deno.stderr.writeSync(new TextEncoder().encode(line + "\n")), level);
  const requested = new AsyncQueue<string>();
  const left: { notes?: ReexecState | undefined; isStopped?: boolean } = {};
  await using ending = new AsyncDisposableStack();
  ending.use(lockExecutable(log));
  let idle: IdleWatch | undefined;
  const { gc: collect } = globalThis as { gc?: Collect };
  const usage = () => Deno.memoryUsage();
  const rest = ending.use(new IdleTrim({ afterMs: REST_AFTER_MS, memory: selfMemory, collect, usage, log }));
  const settings: EngineSettings = {
    paths,
    storage: await chooseDriver(paths.dataRoot, serving.storageDriver ?? config.storageDriver),
    log,
    info: await probeHost(),
    runtimes: await runtimePrograms(config),
    config,
    proxies: useProxies(config.proxies, Deno.env),
    environment: serving.environment,
    notes: before?.notes,
    program: selfProgram(serving.command),
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
      requested.push(signal);
    };
    Deno.addSignalListener(signal, stop);
    // In the middle of a reload nobody else would hear it.
    ending.defer(() => left.notes === undefined ? Deno.removeSignalListener(signal, stop) : undefined);
  }
  ending.use(surviveBugs(log));
  ownProcess.setChildSubreaper();
  const notifier = new ServiceNotifier({ socket: Deno.env.get(NOTIFY_SOCKET), peers: unixPeers, log });
  await openEngine(get, ending, { onDemand, before, isLeaving: () => left.notes !== undefined });
  const server = get(TOKENS.server);
  if (before === undefined) await checkSocketPath(socket);
  const listener = before?.listener ?? listenAt(socket);
  await server.listen(pipes.duplicate(listener.fd));
  get(TOKENS.outputs).limitWaiting(before === undefined ? RETURN_LIMIT_MS.crash : RETURN_LIMIT_MS.reload);
  const owned = await bindSocket(socket);
  ending.defer(() => left.notes === undefined ? owned[Symbol.asyncDispose]() : undefined);
  // Its commands see that requests end; so it goes after the server, and lets nobody in before that.
  const served = openCommandServer({ socketPath: socket, api: server.direct, epoll: get(TOKENS.epoll), log });
  if (served !== undefined) ending.use(served);
  ending.defer(() => server.close(left.notes === undefined ? CLOSE_GRACE_MS : 0));
  // A client that is cut off now has not ended its input.
  ending.defer(() => get(TOKENS.fdHolders).leave());
  ending.defer(() => served?.leave());
  if (onDemand) {
    idle = ending.use(
      new IdleWatch({
        afterMs: idleMs(),
        busy: () => server.activeRequests > 0 || get(TOKENS.containers).isBusy,
        onIdle: () => requested.push("idle"),
        hasOtherClients: before?.notes.hasOtherClients ?? false,
      }),
    );
  }
  log.info("listening", { socket, dataRoot: paths.dataRoot, pid: Deno.pid, again: before !== undefined });
  notifier.ready(`listening on ${socket}`);
  for await (const why of requested) {
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
  served?.leave();
  left.notes = await notesOf(get, idle?.hasOtherClients ?? false);
  const execFds = await get(TOKENS.execs).heldFds();
  return { listener, notes: left.notes, execFds, isStopped: () => left.isStopped ?? false };
}

/** Comes to rest, and says what is under way all the same. */
async function notesOf(get: Composition["get"], hasOtherClients: boolean): Promise<ReexecState> {
  get(TOKENS.fdHolders).leave();
  get(TOKENS.restarts)[Symbol.dispose]();
  await get(TOKENS.health)[Symbol.asyncDispose]();
  await get(TOKENS.server).drain(CLOSE_GRACE_MS);
  // Their ends are seen while somebody waits for children.
  await drainPlugins(get, { isHandedOn: true });
  get(TOKENS.runs).release();
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

/** What stands before `daemon` in the engine's own command. What a service manager says is meant for the engine alone. */
function selfProgram(command: readonly string[] | undefined): SelfProgram | undefined {
  if (command === undefined) return undefined;
  const { [NOTIFY_SOCKET]: _, ...env } = Deno.env.toObject();
  return { words: command.slice(0, command.indexOf("daemon")), env };
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
