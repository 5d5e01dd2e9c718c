import type { AuthConfig, ContainerCreateRequest, HostConfig } from "../api_types/mod.ts";
import { isTsdError, toTsdError } from "../errors.ts";
import { AbortRace } from "./abort_race.ts";
import { AttachSession } from "./attach_session.ts";
import type { Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import type { ProgressListener } from "./progress.ts";
import { Images } from "./images.ts";
import { inputPieces, OutputCollector, type ProcessIoOptions } from "./process_io.ts";
import type { CallOptions } from "./resource.ts";
import { StdioForwarder } from "./stdio_forwarder.ts";
import type { EngineTransport } from "./transport.ts";

/** Options of `Containers.run`. */
export interface RunOptions extends CallOptions, ProcessIoOptions {
  /** Default: a random name. */
  readonly name?: string | undefined;
  /** `os/arch[/variant]`; default: the engine's. */
  readonly platform?: string | undefined;
  /** Environment variables. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The working directory. Default: the image's. */
  readonly workingDir?: string | undefined;
  /** Name or id, and optionally a group: `1000:1000`. Default: the image's. */
  readonly user?: string | undefined;
  /** Mounts, limits, networks, restart policy and the rest of the container's host configuration. */
  readonly hostConfig?: HostConfig | undefined;
  /** Everything else of the request that creates the container. */
  readonly config?: Partial<ContainerCreateRequest> | undefined;
  /** Keeps the container after its exit. Default: false. */
  readonly keep?: boolean | undefined;
  /** Whether to pull the image. Default: `missing`. */
  readonly pull?: "always" | "missing" | "never" | undefined;
  /** Credentials for a pull. */
  readonly auth?: AuthConfig | undefined;
  /** Called for each message of a pull's progress. */
  readonly onProgress?: ProgressListener | undefined;
}

/** The result of a command in a container. */
export interface RunResult {
  readonly exitCode: number;
  /** Standard output as text; empty if `onStdout` received it. */
  readonly stdout: string;
  /** Standard error as text; empty if `onStderr` received it. */
  readonly stderr: string;
}

/** Implements `Containers.run`. */
export async function runContainer(
  transport: EngineTransport,
  containers: Containers,
  image: string,
  command: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const id = await createWithPull(transport, containers, createRequest(image, command, options), options);
  const container = containers.get(id);
  try {
    return await runToExit(container, options);
  } catch (thrown) {
    await removeQuietly(container);
    throw options.signal?.aborted ? toTsdError(options.signal.reason) : thrown;
  }
}

function createRequest(image: string, command: readonly string[], options: RunOptions): ContainerCreateRequest {
  const { env = {}, workingDir, user, hostConfig = {}, config = {}, keep = false, stdin } = options;
  const hasStdin = stdin !== undefined;
  return {
    AttachStdout: true,
    AttachStderr: true,
    ...(hasStdin && { AttachStdin: true, OpenStdin: true, StdinOnce: true }),
    ...(workingDir !== undefined && { WorkingDir: workingDir }),
    ...(user !== undefined && { User: user }),
    ...config,
    ...(command.length > 0 && { Cmd: [...command] }),
    Image: image,
    Env: [...config.Env ?? [], ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
    HostConfig: { ...config.HostConfig, ...hostConfig, AutoRemove: !keep },
  };
}

async function createWithPull(
  transport: EngineTransport,
  containers: Containers,
  request: ContainerCreateRequest,
  { name, platform, pull = "missing", auth, signal, onProgress }: RunOptions,
): Promise<string> {
  const pullImage = () => new Images(transport).pull(request.Image!, { platform, auth, signal, onProgress });
  const create = async () => (await containers.create(request, { name, platform, signal })).Id;
  if (pull === "always") await pullImage();
  try {
    return await create();
  } catch (thrown) {
    if (pull !== "missing" || !isTsdError(thrown, "image_not_found")) throw thrown;
    await pullImage();
    return await create();
  }
}

async function runToExit(container: Container, options: RunOptions): Promise<RunResult> {
  const { stdin, signal, keep = false, config = {} } = options;
  const attach = { stdin: stdin !== undefined, stdout: true, stderr: true };
  const session = await AttachSession.attachToStart(container, { attach, tty: config.Tty === true, autoRemove: !keep });
  const output = new OutputCollector(options);
  using forwarder = new StdioForwarder(session.stream, {
    sinks: output,
    stdin: stdin === undefined ? undefined : inputPieces(stdin),
    reconnect: () => session.reconnect(),
  });
  await session.start();
  using abort = new AbortRace(signal);
  try {
    await abort.wait(forwarder.end());
    const exitCode = forwarder.exitCode ?? await abort.wait(session.exitCode());
    return { exitCode, ...output.texts() };
  } finally {
    if (signal?.aborted) await session.cancel();
  }
}

/** Removes a container whose run failed. Another failure wouldn't say more than the first one. */
async function removeQuietly(container: Container): Promise<void> {
  try {
    await container.remove({ force: true, volumes: true });
  } catch (thrown) {
    if (!isTsdError(thrown)) throw thrown;
  }
}
