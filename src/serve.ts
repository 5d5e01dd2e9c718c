/**
 * @module
 * The engine as a process: `tsd daemon`. Its start, in order; each step begins after the one before has succeeded:
 *
 * 1. {@link serve} reads options and configuration.
 * 2. {@link claimEngine} takes the data root, the lock on it and the socket. An engine that can't have them ends here:
 *    it has opened no database, looked at no network and logged nothing but the reason.
 * 3. {@link settingsOf} chooses the storage driver, which may mount something to try it, and probes host and runtimes.
 * 4. {@link openEngine} opens the database, migrates it, and brings the parts up: containers are found, interrupted work
 *    is swept, containers and networks (bridges, rules, forwarding) are taken up, containers that should run are started.
 * 5. {@link openApi} puts the socket at its path and answers; then the service manager is told.
 *
 * Each step puts its end on one stack, so an engine that fails in between, or is told to end, undoes exactly what it has
 * done, in the opposite order. Containers run on. A re-execution (`tsd daemon reload`) keeps lock and socket.
 */
import { Composition, type EngineSettings, TOKENS } from "./composition.ts";
import { openEngine } from "./composition/startup.ts";
import { drainPlugins } from "./composition/shutdown.ts";
import { runtimePrograms } from "./engine/config/runtime_programs.ts";
import { AsyncQueue } from "./async/queue.ts";
import { configTrouble, type EngineConfig, readEngineConfig } from "./engine/config/engine_config.ts";
import { useProxies } from "./engine/config/proxies.ts";
import { claimEngine, type EngineClaim } from "./engine/lifecycle/claim.ts";
import { type Departing, passOn, type ReexecState, reexecute } from "./engine/lifecycle/reexec.ts";
import { IdleWatch } from "./engine/lifecycle/idle.ts";
import { type Collect, IdleTrim } from "./engine/lifecycle/idle_trim.ts";
import { lockExecutable } from "./engine/lifecycle/executable_lock.ts";
import type { SelfProgram } from "./engine/networks/dns_process.ts";
import { DEFAULT_DATA_ROOT } from "./engine/paths.ts";
import { NOTIFY_SOCKET, ServiceNotifier } from "./engine/lifecycle/service_notify.ts";
import { canStart } from "./engine/lifecycle/reexec_check.ts";
import { logUnhandledErrors } from "./engine/lifecycle/unhandled_errors.ts";
import { TsdError } from "./errors.ts";
import type { ServedCommands } from "./command_server/served_commands.ts";
import { openCommandServer } from "./command_server/command_server.ts";
import { setDefaultHashEngine } from "./hash/mod.ts";
import { LineLog, type Log, LOG_LEVELS, type LogLevel } from "./log.ts";
import { probeHost } from "./runtime/spec/mod.ts";
import { chooseDriver, formatUnusedLayers } from "./store/drivers.ts";
import { cString, files, O, OwnedFd, pipes, processes, selfMemory, selfProcess, SIG, unixPeers } from "./sys/mod.ts";

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
  readonly claim: EngineClaim;
  readonly level: LogLevel;
  readonly config: EngineConfig;
  readonly configFile: string | undefined;
  readonly storageDriver: string | undefined;
  readonly onDemand: boolean;
  readonly command: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** What becomes of the engine, as far as is known. */
interface Fate {
  /** Clients are let in. */
  isUp?: boolean;
  /** It executes itself anew. */
  notes?: ReexecState;
  /** A signal has told it to end. */
  isStopped?: boolean;
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
  if (config.hashEngine !== undefined) setDefaultHashEngine(config.hashEngine);
  const { onDemand = false, command, storageDriver, host, dataRoot = DEFAULT_DATA_ROOT } = options;
  selfProcess.umask(0o022);
  await using claim = await claimEngine({ dataRoot, host, onDemand });
  if (claim === undefined) return 0;
  const { paths, lock } = claim;
  if (onDemand && claim.before === undefined) detach(`${paths.runDir}/engine.log`);
  const left = await run({ claim, level, config, configFile, storageDriver, onDemand, command, environment });
  if (left === undefined || command === undefined) return 0;
  passOn(paths.runDir, { lock, ...left });
  // Whoever wants its end has it, also in the middle of a reload: from here on a signal ends it at once, and those that
  // have come before are heard in the next turns.
  for (const signal of [SIG.TERM, SIG.INT]) selfProcess.defaultSignal(signal);
  await new Promise((resolve) => setTimeout(resolve, LAST_SIGNAL_MS));
  if (left.isStopped()) return 0;
  return reexecute(command, environment);
}

/** Resolves to what is handed on to the engine that this one becomes, or to nothing. */
async function run(
  serving: Serving,
): Promise<Omit<Departing, "lock"> & { readonly isStopped: () => boolean } | undefined> {
  const { claim: { paths, socket, before }, level, onDemand } = serving;
  const log = new LineLog((line) => Deno.stderr.writeSync(new TextEncoder().encode(line + "\n")), level);
  const requested = new AsyncQueue<string>();
  const fate: Fate = {};
  await using ending = new AsyncDisposableStack();
  ending.use(listenForSignals(requested, fate));
  ending.use(lockExecutable(log));
  ending.use(logUnhandledErrors(log));
  let idle: IdleWatch | undefined;
  const { gc: collect } = globalThis as { gc?: Collect };
  const usage = () => Deno.memoryUsage();
  const rest = ending.use(new IdleTrim({ afterMs: REST_AFTER_MS, memory: selfMemory, collect, usage, log }));
  const { get } = new Composition(
    await settingsOf(serving, log, (userAgent) => {
      idle?.used(userAgent);
      rest.used();
    }),
  );
  selfProcess.setChildSubreaper();
  const notifier = new ServiceNotifier({ socket: Deno.env.get(NOTIFY_SOCKET), peers: unixPeers, log });
  const isUp = () => fate.isUp ?? false;
  await openEngine(get, ending, { onDemand, before, isUp, isLeaving: () => fate.notes !== undefined });
  const served = await openApi(get, ending, { serving, fate, log });
  if (onDemand) idle = ending.use(idleWatch(get, serving, () => requested.push("idle")));
  const { path } = socket;
  log.info("listening", { socket: path, dataRoot: paths.dataRoot, pid: Deno.pid, again: before !== undefined });
  notifier.ready(`listening on ${path}`);
  if (!await isReloadAsked(requested, { serving, get, log, notifier })) return undefined;
  served?.leave();
  fate.notes = await notesOf(get, idle?.hasOtherClients ?? false);
  const execFds = await get(TOKENS.execs).heldFds();
  return { listener: socket.listener, notes: fate.notes, execFds, isStopped: () => fate.isStopped ?? false };
}

/** Notes and passes on what signals ask for. In the middle of a reload nobody else would hear them. */
function listenForSignals(requested: AsyncQueue<string>, fate: Fate): Disposable {
  const listeners = (["SIGTERM", "SIGINT", RELOAD] as const).map((signal) => {
    const listener = () => {
      fate.isStopped ||= signal !== RELOAD;
      requested.push(signal);
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]: () => {
      if (fate.notes !== undefined) return;
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}

/** @throws {TsdError} invalid_argument, storage, runtime_missing */
async function settingsOf(
  { claim: { paths, before }, config, storageDriver, environment, command }: Serving,
  log: Log,
  onRequest: (userAgent: string) => void,
): Promise<EngineSettings> {
  const storage = await chooseDriver(paths.dataRoot, storageDriver ?? config.storageDriver);
  for (const each of storage.unused ?? []) {
    log.warn("the data-root holds unused layers", { which: formatUnusedLayers(each) });
  }
  return {
    paths,
    storage,
    log,
    info: await probeHost(),
    runtimes: await runtimePrograms(config),
    config,
    proxies: useProxies(config.proxies, Deno.env),
    environment,
    notes: before?.notes,
    program: selfProgram(command),
    onRequest,
  };
}

/** Lets clients in: by the socket, and for commands of callers' shells. */
async function openApi(
  get: Composition["get"],
  ending: AsyncDisposableStack,
  { serving: { claim: { socket, before } }, fate, log }: {
    readonly serving: Serving;
    readonly fate: Fate;
    readonly log: Log;
  },
): Promise<ServedCommands | undefined> {
  const server = get(TOKENS.server);
  await socket.open();
  await server.listen(pipes.duplicate(socket.listener.fd));
  fate.isUp = true;
  get(TOKENS.outputs).limitWaiting(before === undefined ? RETURN_LIMIT_MS.crash : RETURN_LIMIT_MS.reload);
  ending.defer(() => fate.notes === undefined ? socket[Symbol.asyncDispose]() : undefined);
  // Its commands see that requests end; so it goes after the server, and lets nobody in before that.
  const served = openCommandServer({ socketPath: socket.path, api: server.direct, epoll: get(TOKENS.epoll), log });
  if (served !== undefined) ending.use(served);
  ending.defer(() => server.close(fate.notes === undefined ? CLOSE_GRACE_MS : 0));
  // A client that is cut off now has not ended its input.
  ending.defer(() => get(TOKENS.fdHolders).leave());
  ending.defer(() => served?.leave());
  return served;
}

function idleWatch(get: Composition["get"], { claim: { before } }: Serving, onIdle: () => void): IdleWatch {
  return new IdleWatch({
    afterMs: idleMs(),
    busy: () => get(TOKENS.server).activeRequests > 0 || get(TOKENS.containers).isBusy,
    onIdle,
    hasOtherClients: before?.notes.hasOtherClients ?? false,
  });
}

/** Waits until the engine is told to end (false) or to execute itself anew (true), and is able to. */
async function isReloadAsked(
  requested: AsyncQueue<string>,
  { serving: { command, configFile }, get, log, notifier }: {
    readonly serving: Serving;
    readonly get: Composition["get"];
    readonly log: Log;
    readonly notifier: ServiceNotifier;
  },
): Promise<boolean> {
  for await (const why of requested) {
    if (why !== RELOAD) {
      log.info("stopping", { why });
      notifier.stopping();
      return false;
    }
    const trouble = await canStart(command, Deno.env.toObject(), processes, get(TOKENS.exits)) ??
      await configTrouble(configFile);
    if (trouble === undefined) break;
    log.error("not reloading", { why: trouble });
  }
  log.info("reloading", { command: command?.join(" ") });
  notifier.reloading();
  return true;
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

/** Its own session, and output where the client that started it can find it. */
function detach(logFile: string): void {
  selfProcess.setsid();
  using file = new OwnedFd(files.open(cString(logFile), O.WRONLY | O.CREAT | O.APPEND, 0o640));
  for (const target of [1, 2]) selfProcess.dup2(file.fd, target);
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
