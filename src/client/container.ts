import type {
  ContainerInspect,
  ContainerPathStat,
  ContainerStats,
  ContainerTopResponse,
  ContainerUpdateRequest,
  ContainerUpdateResponse,
  ContainerWaitResponse,
  ExecCreateRequest,
  ExecCreateResponse,
  FilesystemChange,
  WaitCondition,
} from "../api_types/mod.ts";
import { pathStatOf, statPath } from "./container_path.ts";
import { Exec } from "./exec.ts";
import type { ExecOptions } from "./exec_in_container.ts";
import type { OutputSinks } from "./frames.ts";
import { jsonLines } from "./json_lines.ts";
import type { LogLine, LogsOptions } from "./logs.ts";
import { type CallOptions, Resource } from "./resource.ts";
import type { RunResult } from "./run.ts";
import { unixSeconds } from "./timestamp.ts";
import { type EngineResponse, type EngineTransport, escapeName, type RawStream, readJson } from "./transport.ts";

/** Options of {@link Container.stop} and {@link Container.restart}. */
export interface StopOptions extends CallOptions {
  /** Seconds until SIGKILL follows; -1: never. Default: the container's, else 10. */
  readonly timeoutSeconds?: number | undefined;
  /** The signal that asks the process to exit, by name or number. Default: the container's, else SIGTERM. */
  readonly stopSignal?: string | undefined;
}

/** Options of {@link Container.remove}. */
export interface RemoveContainerOptions extends CallOptions {
  /** Kills the container first if it is running. */
  readonly force?: boolean;
  /** Also removes the container's anonymous volumes. */
  readonly volumes?: boolean;
}

/** Options of {@link Container.attach}. Nothing is attached by default. */
export interface AttachOptions {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** Replays what was logged before. */
  readonly logs?: boolean;
  /** The key sequence that detaches from a terminal: `ctrl-p,ctrl-q`. */
  readonly detachKeys?: string | undefined;
}

/** Options of {@link Container.copyTo}. */
export interface CopyToOptions {
  /** Refuses to replace a directory by a file, or a file by a directory. */
  readonly noOverwriteDirNonDir?: boolean;
  /** Gives the files to the container's user instead of the owners in the archive. */
  readonly copyUIDGID?: boolean;
}

/** Options of {@link Container.stats}. */
export interface StatsOptions extends CallOptions {
  /** One sample a second until the container is removed; false: a single sample. Default: true. */
  readonly stream?: boolean;
}

/** A wait that the engine has registered. Either {@link result} or {@link cancel} must be called. */
export interface PendingWait {
  /** Resolves when the condition holds. @throws {TsdError} engine_unavailable: the connection was lost */
  result(): Promise<ContainerWaitResponse>;
  cancel(): Promise<void>;
}

/**
 * A container of an engine, by name or id. It holds no state: each method is a request, and throws `container_not_found`
 * if there is no such container (any more).
 */
export class Container {
  /** The name or id that the container was asked for by. */
  readonly name: string;
  readonly #resource: Resource;

  /** @throws {TsdError} not_found: the name is empty */
  constructor(transport: EngineTransport, name: string) {
    this.name = name;
    this.#resource = new Resource(transport, `/containers/${escapeName(name)}`);
  }

  /** Returns the container's configuration and state. @param options.size computes the sizes of its files, too */
  async inspect({ size, signal }: CallOptions & { readonly size?: boolean } = {}): Promise<ContainerInspect> {
    return await this.#resource.json("GET", "/json", { query: size ? { size } : {}, signal });
  }

  /** Starts the container. Does nothing if it is running. @throws {TsdError} command_not_found, command_not_executable */
  async start(options: CallOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/start", options);
  }

  /** Sends the stop signal, and SIGKILL when the timeout has passed. Does nothing if the container isn't running. */
  async stop({ timeoutSeconds, stopSignal, signal }: StopOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/stop", { query: { t: timeoutSeconds, signal: stopSignal }, signal });
  }

  /** Stops the container as {@link stop} does if it is running, and starts it. */
  async restart({ timeoutSeconds, stopSignal, signal }: StopOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/restart", { query: { t: timeoutSeconds, signal: stopSignal }, signal });
  }

  /** Sends a signal to the main process. @param killSignal name or number; default: SIGKILL. @throws {TsdError} not_running */
  async kill(killSignal?: string, options: CallOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/kill", { query: { signal: killSignal }, ...options });
  }

  /** Freezes all processes. @throws {TsdError} not_running, conflict: it is paused */
  async pause(options: CallOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/pause", options);
  }

  /** Thaws all processes. @throws {TsdError} conflict: the container isn't paused */
  async unpause(options: CallOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/unpause", options);
  }

  /** Gives the container another name; this object keeps the old one. @throws {TsdError} name_in_use, invalid_argument */
  async rename(name: string, options: CallOptions = {}): Promise<void> {
    await this.#resource.send("POST", "/rename", { query: { name }, ...options });
  }

  /** Changes resource limits and the restart policy. @returns warnings. @throws {TsdError} conflict, invalid_argument */
  async update(body: ContainerUpdateRequest, options: CallOptions = {}): Promise<ContainerUpdateResponse> {
    return await this.#resource.json("POST", "/update", { body, ...options });
  }

  /** Removes the container with its files. @throws {TsdError} conflict: it is running, and `force` isn't set */
  async remove({ force, volumes, signal }: RemoveContainerOptions = {}): Promise<void> {
    await this.#resource.send("DELETE", "", { query: { force, v: volumes }, signal });
  }

  /**
   * Waits until the container isn't running, or for another condition.
   * @returns the exit code, and why the wait failed if it did
   */
  async wait(condition?: WaitCondition, options: CallOptions = {}): Promise<ContainerWaitResponse> {
    return await (await this.beginWait(condition, options)).result();
  }

  /** Begins a wait. As soon as it is returned no exit is missed: a start after it can't be too early. */
  async beginWait(condition: WaitCondition = "not-running", options: CallOptions = {}): Promise<PendingWait> {
    const response = await this.#resource.request("POST", "/wait", { query: { condition }, ...options });
    return { result: () => readJson(response), cancel: () => response.body.cancel() };
  }

  /** Attaches to the standard streams of the container, which need not be running yet. The caller owns the stream. */
  attach(options: AttachOptions): Promise<RawStream> {
    const [path, query] = [this.#resource.path("/attach"), { stream: true, ...options }];
    return this.#resource.transport.hijack({ method: "POST", path, query });
  }

  /**
   * Attaches to a container without a terminal and also starts it, in one request, if the engine can do that (tsd's can):
   * then the stream reports the exit code. `isStarted` is false with other engines, which only attach.
   * @param condition the condition at which the stream reports the exit code
   */
  async attachAndStart(
    condition: WaitCondition,
    options: AttachOptions,
  ): Promise<{ readonly stream: RawStream; readonly isStarted: boolean }> {
    const request = {
      method: "POST",
      path: this.#resource.path("/attach"),
      query: { stream: true, ...options },
    } as const;
    const stream = await this.#resource.transport.hijack({ ...request, headers: { "Tsd-Start": condition } });
    return { stream, isStarted: stream.headers.has("tsd-started") };
  }

  /**
   * Yields the lines of the log, or of a terminal's output. With `follow` it goes on until the container has exited, also
   * while the engine is replaced by a newer one. Leaving the loop closes the connection.
   */
  async *logs(options: LogsOptions = {}): AsyncGenerator<LogLine> {
    const { logLines } = await import("./logs.ts");
    yield* logLines(this, options);
  }

  /** Writes the log to sinks, byte for byte, as {@link logs} yields it. Each write is awaited before the next one. */
  async copyLogs(sinks: OutputSinks, options: LogsOptions = {}): Promise<void> {
    const { copyLogs } = await import("./logs.ts");
    await copyLogs(this, sinks, options);
  }

  /** Sends the request of {@link copyLogs} (Engine API, `ContainerLogs`). The `content-type` tells the format of the body. */
  requestLogs(
    { signal, since, until, ...rest }: LogsOptions,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<EngineResponse> {
    const query = { ...rest, since: unixSeconds(since), until: unixSeconds(until) };
    return this.#resource.request("GET", "/logs", { query, headers, signal });
  }

  /** Removes what the container has logged so far. An extension of tsd; with other engines `page_not_found`. */
  async clearLogs(options: CallOptions = {}): Promise<void> {
    const extension = new Resource(this.#resource.transport, `/tsd${this.#resource.path("")}`);
    await extension.send("POST", "/logs/clear", options);
  }

  /** Sets the size of the container's terminal, in characters. @throws {TsdError} not_running */
  async resize(rows: number, columns: number): Promise<void> {
    await this.#resource.send("POST", "/resize", { query: { h: rows, w: columns } });
  }

  /** Lists the processes as ps(1) shows them. @param psArgs options of ps; default: `-ef`. @throws {TsdError} not_running */
  async top(psArgs?: string, options: CallOptions = {}): Promise<ContainerTopResponse> {
    return await this.#resource.json("GET", "/top", { query: { ps_args: psArgs }, ...options });
  }

  /** Yields samples of what the container uses. A single sample covers the time since an earlier one of the engine's. */
  async *stats({ stream = true, signal }: StatsOptions = {}): AsyncGenerator<ContainerStats> {
    const { body } = await this.#resource.request("GET", "/stats", { query: { stream }, signal });
    yield* jsonLines<ContainerStats>(body);
  }

  /** Lists what was changed in the container's root filesystem compared with the image. */
  async changes(options: CallOptions = {}): Promise<FilesystemChange[]> {
    // The API has null for an empty list.
    return await this.#resource.json<FilesystemChange[] | null>("GET", "/changes", options) ?? [];
  }

  /** Returns facts about a path in the container; a symbolic link at its end isn't followed. @throws {TsdError} not_found */
  statPath(path: string): Promise<ContainerPathStat> {
    return statPath(this.#resource, this.name, path);
  }

  /** Returns a tar archive of a path in the container as the body, and facts about the path. @throws {TsdError} not_found */
  async copyFrom(
    path: string,
    options: CallOptions = {},
  ): Promise<EngineResponse & { readonly stat: ContainerPathStat }> {
    const response = await this.#resource.request("GET", "/archive", { query: { path }, ...options });
    return { ...response, stat: pathStatOf(response) };
  }

  /** Extracts a tar archive into a directory of the container. @throws {TsdError} not_found */
  async copyTo(
    directory: string,
    archive: AsyncIterable<Uint8Array>,
    { noOverwriteDirNonDir, copyUIDGID, signal }: CopyToOptions & CallOptions = {},
  ): Promise<void> {
    const query = {
      path: directory,
      ...(noOverwriteDirNonDir && { noOverwriteDirNonDir }),
      ...(copyUIDGID && { copyUIDGID }),
    };
    const headers = { "Content-Type": "application/x-tar" };
    await this.#resource.send("PUT", "/archive", { query, headers, upload: archive, signal });
  }

  /** Returns a tar archive of the container's whole root filesystem as the body. */
  export(options: CallOptions = {}): Promise<EngineResponse> {
    return this.#resource.request("GET", "/export", options);
  }

  /**
   * Runs a command in the running container and waits for its exit. A nonzero exit code is a result, not an error;
   * a command that can't be executed has 126 or 127 and a message on standard output, as with Docker.
   * @throws {TsdError} not_running, conflict: it is paused
   */
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<RunResult> {
    const { execInContainer } = await import("./exec_in_container.ts");
    return await execInContainer(this, command, options);
  }

  /** Creates a process in the running container, to be started later (Engine API, `ContainerExec`). */
  async createExec(body: ExecCreateRequest, options: CallOptions = {}): Promise<Exec> {
    const { Id } = await this.#resource.json<ExecCreateResponse>("POST", "/exec", { body, ...options });
    return new Exec(this.#resource.transport, Id);
  }

  /**
   * Starts a process in the running container with its standard streams on the returned connection, which the caller owns.
   * With tsd's engine it is a single request, and the stream reports the exit code.
   */
  async attachExec(body: ExecCreateRequest): Promise<{ readonly exec: Exec; readonly stream: RawStream }> {
    const { transport } = this.#resource;
    const headers = { "Tsd-Attach": "1" };
    const path = this.#resource.path("/exec");
    const stream = await transport.hijack({ method: "POST", path, body, headers, mayAnswer: true });
    const id = stream.headers.get("tsd-exec-id");
    if (id !== undefined) return { exec: new Exec(transport, id), stream };
    using answer = stream;
    const { Id } = await readJson<ExecCreateResponse>({ body: answer.output });
    const exec = new Exec(transport, Id);
    return { exec, stream: await exec.startAttached(body.Tty ?? false) };
  }
}
