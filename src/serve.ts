/**
 * @module
 * The engine as a process: `tsd daemon`. It starts in steps, each of which begins after the previous one has succeeded:
 *
 * 1. {@link serve} reads options and configuration.
 * 2. {@link claimEngine} claims the data root, its lock and the socket. If that fails, the engine exits without having
 *    opened a database, looked at a network or logged anything but the reason.
 * 3. {@link settingsOf} chooses the storage driver, which may mount something to probe it, and probes the host and the
 *    runtimes.
 * 4. {@link openEngine} opens and migrates the database, and starts the parts: finds containers, cleans up interrupted
 *    work, restores containers and networks (bridges, rules, forwarding), and starts the containers that should run.
 * 5. {@link openListener} opens the socket and serves the API; then the service manager is notified.
 *
 * Each step registers its cleanup on one stack, so that an engine that fails or is stopped in between undoes exactly
 * what it has done, in reverse order. Containers continue to run. A re-execution (`tsd daemon reload`) keeps the lock
 * and the socket.
 */
import { composeEngine, composeServer } from "./composition.ts";
import type { Engine, EngineSettings } from "./engine/mod.ts";
import { openEngine } from "./composition/startup.ts";
import { openListener } from "./composition/listener.ts";
import { isReloadRequested, quiesce } from "./composition/reload.ts";
import { runtimePrograms } from "./engine/config/runtime_programs.ts";
import { AsyncQueue } from "./async/queue.ts";
import { type EngineConfig, readEngineConfig } from "./engine/config/engine_config.ts";
import { useProxies } from "./engine/config/proxies.ts";
import { claimEngine, type EngineClaim } from "./engine/lifecycle/claim.ts";
import { type Departing, passOn, reexecute } from "./engine/lifecycle/reexec.ts";
import { IdleWatch } from "./engine/lifecycle/idle.ts";
import { type Collect, IdleTrim } from "./engine/lifecycle/idle_trim.ts";
import { lockExecutable } from "./engine/lifecycle/executable_lock.ts";
import type { SelfProgram } from "./engine/networks/dns_process.ts";
import { DEFAULT_DATA_ROOT } from "./engine/paths.ts";
import { NOTIFY_SOCKET, ServiceNotifier } from "./engine/lifecycle/service_notify.ts";
import type { EnginePhase } from "./engine/lifecycle/phase.ts";
import { listenForSignals } from "./engine/lifecycle/signals.ts";
import { logUnhandledErrors } from "./engine/lifecycle/unhandled_errors.ts";
import { TsdError } from "./errors.ts";
import type { ApiServer } from "./api/http/server.ts";
import { setDefaultHashEngine } from "./hash/mod.ts";
import { LineLog, type Log, LOG_LEVELS, type LogLevel } from "./log.ts";
import { probeHost } from "./runtime/spec/mod.ts";
import { chooseDriver, formatUnusedLayers } from "./store/drivers.ts";
import { cString, files, O, OwnedFd, selfMemory, selfProcess, SIG, unixPeers } from "./sys/mod.ts";

/** Options of `tsd daemon`. */
export interface ServeOptions {
  /** Default: `/var/lib/tsd`. Any other makes a private engine. */
  readonly dataRoot?: string;
  /** Default: `/etc/tsd/config.json`, if it exists. */
  readonly configFile?: string;
  /** Default: the configuration's, else the one that the data root was created with, else the best that works there. */
  readonly storageDriver?: string;
  /** `unix://PATH`. Default: `tsd.sock` in the run directory. */
  readonly host?: string;
  /** Started by a client: runs in its own session, logs to `engine.log`, exits when idle. */
  readonly onDemand?: boolean;
  readonly logLevel?: string;
  /** The command to re-execute for `tsd daemon reload`, which is refused without it. */
  readonly command?: readonly string[];
}

/** Validated {@link ServeOptions}. */
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

/** How long an engine that was started on demand stays idle before it exits; `TSD_IDLE_SECONDS` takes precedence. */
const IDLE_SECONDS = 60;
/** How long the engine has to be idle before it returns memory to the system, in ms. */
const TRIM_AFTER_MS = 2_000;
/** Maximum time from a signal's delivery to its listener, in ms. */
const LAST_SIGNAL_MS = 5;
/** Environment variable with the CA stores that Deno trusts; by default only its own. */
const CA_STORE = "DENO_TLS_CA_STORE";

/**
 * Runs an engine until it is stopped. Returns the process's exit code.
 * @throws {TsdError}
 */
export async function serve(options: ServeOptions): Promise<number> {
  const level = logLevel(options.logLevel);
  if (Deno.uid() !== 0) {
    throw new TsdError(
      "permission_denied",
      "Cannot start the engine: tsd needs root (rootless mode does not exist yet)",
    );
  }
  // Later changes of the environment are this engine's, not the next one's.
  const environment = Deno.env.toObject();
  // As in Docker, the host's CA certificates are trusted too. Deno reads the variable at the first request, which is
  // much later.
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
  const departing = await run({ claim, level, config, configFile, storageDriver, onDemand, command, environment });
  if (departing === undefined || command === undefined) return 0;
  passOn(paths.runDir, { lock, ...departing });
  // A stop must take effect also in the middle of a reload: from here on a signal terminates the process at once, and
  // signals that have arrived before are handled in the next event loop turns.
  for (const signal of [SIG.TERM, SIG.INT]) selfProcess.defaultSignal(signal);
  await new Promise((resolve) => setTimeout(resolve, LAST_SIGNAL_MS));
  if (departing.isStopped()) return 0;
  return reexecute(command, environment);
}

/** Runs the engine. Returns the state to pass on if it re-executes itself, else undefined. */
async function run(
  serving: Serving,
): Promise<Omit<Departing, "lock"> & { readonly isStopped: () => boolean } | undefined> {
  const { claim, level, onDemand, command, configFile } = serving;
  const { paths, socket, before } = claim;
  const log = new LineLog((line) => Deno.stderr.writeSync(new TextEncoder().encode(line + "\n")), level);
  const requested = new AsyncQueue<string>();
  const phase: EnginePhase = {};
  await using ending = new AsyncDisposableStack();
  ending.use(listenForSignals(requested, phase));
  ending.use(lockExecutable(log));
  ending.use(logUnhandledErrors(log));
  let idle: IdleWatch | undefined;
  const { gc: collect } = globalThis as { gc?: Collect };
  const usage = () => Deno.memoryUsage();
  const trim = ending.use(new IdleTrim({ afterMs: TRIM_AFTER_MS, memory: selfMemory, collect, usage, log }));
  const engine = composeEngine(
    await settingsOf(serving, log, (userAgent) => {
      idle?.used(userAgent);
      trim.used();
    }),
  );
  const server = composeServer(engine);
  selfProcess.setChildSubreaper();
  const notifier = new ServiceNotifier({ socket: Deno.env.get(NOTIFY_SOCKET), peers: unixPeers, log });
  const isUp = () => phase.isUp ?? false;
  await openEngine(engine, ending, { onDemand, before, isUp, isLeaving: () => phase.reexec !== undefined });
  const { commands } = await openListener(engine, server, ending, { claim, phase });
  if (onDemand) idle = ending.use(idleWatch(engine, server, claim, () => requested.push("idle")));
  const { path } = socket;
  log.info("listening", { socket: path, dataRoot: paths.dataRoot, pid: Deno.pid, again: before !== undefined });
  notifier.ready(`listening on ${path}`);
  const environment = () => Deno.env.toObject();
  if (!await isReloadRequested(engine, requested, { command, configFile, environment, notifier })) return undefined;
  commands?.leave();
  phase.reexec = await quiesce(engine, server, { hasOtherClients: idle?.hasOtherClients ?? false });
  const execFds = await engine.execs.service.heldFds();
  return { listener: socket.listener, notes: phase.reexec, execFds, isStopped: () => phase.isStopped ?? false };
}

/**
 * Determines the engine's settings.
 * @throws {TsdError} invalid_argument, storage, runtime_missing
 */
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

function idleWatch(engine: Engine, server: ApiServer, { before }: EngineClaim, onIdle: () => void): IdleWatch {
  return new IdleWatch({
    afterMs: idleMs(),
    busy: () => server.activeRequests > 0 || engine.containers.service.isBusy,
    onIdle,
    hasOtherClients: before?.notes.hasOtherClients ?? false,
  });
}

/** Starts a new session, and redirects output to where the client that started the engine finds it. */
function detach(logFile: string): void {
  selfProcess.setsid();
  using file = new OwnedFd(files.open(cString(logFile), O.WRONLY | O.CREAT | O.APPEND, 0o640));
  for (const target of [1, 2]) selfProcess.dup2(file.fd, target);
}

/** Returns the command before `daemon`. The service manager's socket is for the engine alone. */
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

/**
 * Returns the idle timeout.
 * @throws {TsdError} invalid_argument
 */
function idleMs(): number {
  const given = Deno.env.get("TSD_IDLE_SECONDS");
  if (given === undefined) return IDLE_SECONDS * 1000;
  if (/^\d{1,6}$/.test(given)) return Number(given) * 1000;
  throw new TsdError("invalid_argument", `Invalid TSD_IDLE_SECONDS ${JSON.stringify(given)}: give a number of seconds`);
}
