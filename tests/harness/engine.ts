/**
 * @module
 * A real engine for a test: the built executable as `tsd daemon` with a private data root and socket, tsd's client and
 * the docker CLI connected to it, and a check for leftovers after it has exited.
 */
import { removeTree } from "../images/test_cache.ts";
import { EngineApi } from "./api.ts";
import { Deadline } from "./deadline.ts";
import { type HostSnapshot, hostSnapshot } from "./host_state.ts";
import { describeLeftovers, findLeftovers, removeLeftovers, tracesOf } from "./leftovers.ts";
import { runCommand, type RunOptions, type RunResult } from "./run_command.ts";
import { Screen } from "./screen.ts";
import { Session, type SessionOptions } from "./session.ts";

export interface EngineOptions {
  /** Default: a new temporary directory. */
  readonly dataRoot?: string;
  /** Additional environment variables of the engine. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: TSD_EXE, else dist/tsd. */
  readonly exe?: string;
  /** Additional arguments of `tsd daemon`. */
  readonly args?: readonly string[];
  /** The path of the network namespace to start it in; default: the test's. */
  readonly namespace?: string;
  /** How long to wait for the socket to answer; default 20 s. */
  readonly timeoutMs?: number;
}

const STOP_TIMEOUT_MS = 20_000;
/** A process that a killed engine was about to start keeps its socket open for a moment: then connections are reset. */
const NO_ANSWER = [Deno.errors.NotFound, Deno.errors.ConnectionRefused, Deno.errors.ConnectionReset];

/** Returns the path of the executable under test. @throws Error if it has not been built */
export function executable(): string {
  const path = Deno.env.get("TSD_EXE") ?? new URL("../../dist/tsd", import.meta.url).pathname;
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`No executable ${path}: run ./dev compile first`);
    throw error;
  }
  return path;
}

/** Starts an engine; the caller disposes of it with `await using`. @throws Error with its log if it does not answer */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-engine-" }));
  const engine = new Engine(dir, options);
  try {
    await engine.start();
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  return engine;
}

export class Engine implements AsyncDisposable {
  /** Contains the socket, the log, the clients' HOME, and the data root unless that was given. */
  readonly dir: string;
  readonly dataRoot: string;
  readonly socketPath: string;
  readonly api: EngineApi;
  /** See {@link EngineOptions.namespace}; applies from the next start on. */
  namespace: string | undefined;
  /** Arguments of `tsd daemon`, from the next start on. */
  moreArgs: readonly string[] = [];
  readonly #options: EngineOptions;
  readonly #exe: string;
  #process: Deno.ChildProcess | undefined;
  #driver: string | undefined;

  constructor(dir: string, options: EngineOptions) {
    this.dir = dir;
    this.dataRoot = options.dataRoot ?? `${dir}/data`;
    this.socketPath = `${dir}/tsd.sock`;
    this.api = new EngineApi(this.socketPath);
    this.#options = options;
    this.namespace = options.namespace;
    this.#exe = options.exe ?? executable();
  }

  /** `unix://…`, for DOCKER_HOST and TSD_HOST. */
  get host(): string {
    return `unix://${this.socketPath}`;
  }

  /** The storage driver that the engine reported when it was ready. @throws Error if it was never ready */
  get driver(): string {
    if (this.#driver === undefined) throw new Error("The engine has never been ready");
    return this.#driver;
  }

  /** The directory of its layers and snapshots. */
  get layerRoot(): string {
    return `${this.dataRoot}/${this.driver}`;
  }

  /** @throws Error if it is not running */
  get pid(): number {
    if (!this.#process) throw new Error("The engine is not running");
    return this.#process.pid;
  }

  /** Starts it (also again, on the same data root) and waits until the socket answers. */
  async start(): Promise<void> {
    const args = [
      "daemon",
      "--data-root",
      this.dataRoot,
      "-H",
      this.host,
      ...this.#options.args ?? [],
      ...this.moreArgs,
    ];
    await Deno.mkdir(`${this.dir}/home`, { recursive: true });
    this.#process = new Deno.Command("/bin/sh", {
      args: ["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", this.#logPath, ...this.#command, ...args],
      env: { ...this.#environment(), ...this.#options.env },
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await this.#ready(this.#process);
    this.#driver ??= (await this.api.get("/info")).json<{ Driver: string }>().Driver;
  }

  /** Returns its standard output and error. */
  async log(): Promise<string> {
    return await Deno.readTextFile(this.#logPath);
  }

  /** Stops it with a signal and waits for its exit; containers keep running. Returns the exit code. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<number> {
    const child = this.#process;
    if (!child) return 0;
    this.#process = undefined;
    killIfRunning(child, signal);
    let isOverdue = false;
    using _deadline = new Deadline(STOP_TIMEOUT_MS).whenOver(() => {
      isOverdue = true;
      killIfRunning(child, "SIGKILL");
    });
    const { code } = await child.status;
    if (isOverdue) throw new Error(`The engine ignored ${signal}: ${await this.log()}`);
    return code;
  }

  /** Stops it and starts it on the same data root. */
  async restart(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  /** Runs tsd's client against this engine. */
  tsd(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runCommand(this.#exe, args, { ...options, env: { ...this.#clientEnvironment(), ...options.env } });
  }

  /** Runs the real docker CLI against this engine. */
  docker(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return runCommand("docker", args, { ...options, env: { ...this.#clientEnvironment(), ...options.env } });
  }

  /** Starts a client (`tsd` or `docker`) that the test interacts with. */
  session(client: "tsd" | "docker", args: readonly string[], options: SessionOptions = {}): Session {
    const command = client === "tsd" ? this.#exe : "docker";
    return new Session(command, args, { ...options, env: { ...this.#clientEnvironment(), ...options.env } });
  }

  /** Opens a terminal in which clients reach this engine; `$tsd` and `$docker` are the clients. */
  screen(dir: string, env: Readonly<Record<string, string>> = {}): Promise<Screen> {
    const clients = { tsd: this.#exe, docker: "docker" };
    return Screen.open({ dir, env: { ...this.#clientEnvironment(), ...clients, ...env } });
  }

  /** Returns the state of the host and of the engine's process. */
  snapshot(): Promise<HostSnapshot> {
    return hostSnapshot(this.pid);
  }

  /** Removes all containers, running or not. */
  async removeContainers(): Promise<void> {
    const listed = await this.api.get("/containers/json?all=1");
    for (const { Id } of listed.json<{ Id: string }[]>()) await this.api.delete(`/containers/${Id}?force=1&v=1`);
  }

  /** Removes its containers, stops it, and checks that nothing is left. @throws Error that lists the leftovers */
  async [Symbol.asyncDispose](): Promise<void> {
    const problems: string[] = [];
    try {
      if (this.#process) await this.removeContainers();
    } catch (error) {
      problems.push(`removing the containers: ${error instanceof Error ? error.message : error}`);
    }
    const code = await this.stop();
    if (code !== 0) problems.push(`exit code ${code}`);
    const traces = tracesOf(this.dataRoot);
    const leftovers = await findLeftovers(traces);
    problems.push(...describeLeftovers(leftovers));
    const log = problems.length > 0 ? await this.log() : "";
    await removeLeftovers(traces, leftovers);
    for (const path of [this.dir, this.dataRoot, traces.runDir]) await removeTree(path);
    if (problems.length > 0) throw new Error(`The engine left: ${problems.join("; ")}\n${log.slice(-4000)}`);
  }

  get #command(): string[] {
    return [...this.namespace === undefined ? [] : ["nsenter", `--net=${this.namespace}`, "--"], this.#exe];
  }

  get #logPath(): string {
    return `${this.dir}/engine.log`;
  }

  #environment(): Record<string, string> {
    return { PATH: Deno.env.get("PATH") ?? "", HOME: `${this.dir}/home` };
  }

  #clientEnvironment(): Record<string, string> {
    const config = `${this.dir}/home/.docker`;
    return { ...this.#environment(), TSD_HOST: this.host, DOCKER_HOST: this.host, DOCKER_CONFIG: config };
  }

  async #ready(child: Deno.ChildProcess): Promise<void> {
    let exited: number | undefined;
    child.status.then(({ code }) => exited = code);
    const deadline = new Deadline(this.#options.timeoutMs ?? 20_000);
    while (!await this.#answers()) {
      if (exited !== undefined) {
        this.#process = undefined;
        throw new Error(`The engine ended with ${exited}:\n${await this.log()}`);
      }
      if (deadline.isOver) throw new Error(`The engine does not answer:\n${await this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.api.get("/_ping")).status === 200;
    } catch (error) {
      if (NO_ANSWER.some((kind) => error instanceof kind)) return false;
      throw error;
    }
  }
}

function killIfRunning(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has exited already.
  }
}

/** Runs the executable without an engine: `version`, `--help`, wrong flags. Never touches the default engine. */
export async function tsd(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const home = await Deno.makeTempDir({ prefix: "tsd-home-" });
  const env = { HOME: home, TSD_HOST: `unix://${home}/nobody.sock`, ...options.env };
  try {
    return await runCommand(executable(), args, { ...options, env });
  } finally {
    await removeTree(home);
  }
}
