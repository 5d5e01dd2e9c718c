import type { ContainerConfig, ContainerCreateRequest, HostConfig, LogConfig } from "../../api_types/mod.ts";
import { StatusError, type TerminalSize, UsageError } from "../../cli/mod.ts";
import type { CreateFlagValues } from "./create_flags.ts";
import { readEnvFile } from "../opts/env_file.ts";
import { environmentStrings } from "../opts/env.ts";
import { splitPair } from "../opts/flag_values.ts";
import { absoluteSource } from "../opts/host_path.ts";
import { isolation } from "./isolation_request.ts";
import { labels } from "../opts/label.ts";
import { parseMount } from "../opts/mount.ts";
import { nameConfig, nameHostConfig } from "./name_request.ts";
import { networking } from "./networking_request.ts";
import { resources } from "./resource_request.ts";
import { healthAnnotations, healthcheck, restartPolicy } from "./supervision_request.ts";

/** The streams to which the caller will be attached. */
export interface Attachment {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** The caller's environment, which the flags refer to. */
export interface CreateSurroundings {
  /** Returns a variable of the caller's environment, for `-e NAME`. */
  env(name: string): string | undefined;
  /** The caller's working directory, for relative sources of `-v`. */
  readonly cwd: string;
  readonly detached: boolean;
  /** The size of the caller's terminal, with which the container's terminal is created. */
  readonly size?: TerminalSize | undefined;
}

/** Returns the streams that `-a`, `-i` and `-d` request. @throws {UsageError} @throws {StatusError} (conflicting flags) */
export function attachment(flags: Pick<CreateFlagValues, "attach" | "interactive">, detached: boolean): Attachment {
  const named = new Set(flags.attach.map((name) => name.toLowerCase()));
  const unknown = [...named].find((name) => !["stdin", "stdout", "stderr"].includes(name));
  if (unknown !== undefined) {
    const why = "valid streams are STDIN, STDOUT and STDERR";
    throw new UsageError(`invalid argument "${unknown}" for "-a, --attach" flag: ${why}`);
  }
  if (detached && named.size > 0) {
    throw new StatusError("conflicting options: cannot specify both --attach and --detach");
  }
  if (detached) return { stdin: false, stdout: false, stderr: false };
  if (named.size === 0) return { stdin: flags.interactive, stdout: true, stderr: true };
  // As in Docker, -i attaches standard input in addition to the named streams.
  return { stdin: named.has("stdin") || flags.interactive, stdout: named.has("stdout"), stderr: named.has("stderr") };
}

/** Returns the body of a create request, which contains only the requested settings. @throws {UsageError} */
export async function createRequest(
  flags: CreateFlagValues,
  [image, ...command]: readonly string[],
  callerEnvironment: CreateSurroundings,
): Promise<ContainerCreateRequest> {
  const attach = attachment(flags, callerEnvironment.detached);
  const openStdin = flags.interactive || attach.stdin;
  const anonymous = flags.volume.filter((text) => !text.includes(":"));
  const config: ContainerConfig = {
    Image: image,
    AttachStdin: attach.stdin,
    AttachStdout: attach.stdout,
    AttachStderr: attach.stderr,
    OpenStdin: openStdin,
    StdinOnce: openStdin && !callerEnvironment.detached,
    Tty: flags.tty,
    Env: await environment(flags, callerEnvironment.env),
    Labels: await labels(flags["label-file"], flags.label),
    ...nameConfig(flags),
  };
  if (command.length > 0) config.Cmd = command;
  // An empty entry point is sent as is: it removes the image's.
  if (flags.entrypoint !== undefined) config.Entrypoint = [flags.entrypoint];
  if (flags.user !== undefined) config.User = flags.user;
  if (flags.workdir !== undefined) config.WorkingDir = flags.workdir;
  if (flags["stop-signal"] !== undefined) config.StopSignal = flags["stop-signal"];
  if (flags["stop-timeout"] !== undefined) config.StopTimeout = flags["stop-timeout"];
  const health = healthcheck(flags);
  if (health !== undefined) config.Healthcheck = health;
  if (anonymous.length > 0) config.Volumes = Object.fromEntries(anonymous.map((target) => [target, {}]));
  const host = await hostConfig(flags, callerEnvironment.cwd);
  const { size } = callerEnvironment;
  if (flags.tty && size !== undefined) host.ConsoleSize = [size.rows, size.columns];
  const { mode, endpoints } = networking(flags);
  if (mode !== undefined) host.NetworkMode = mode;
  return { ...config, HostConfig: host, ...endpoints && { NetworkingConfig: { EndpointsConfig: endpoints } } };
}

async function hostConfig(flags: CreateFlagValues, cwd: string): Promise<HostConfig> {
  for (const text of flags.volume) checkVolume(text);
  const binds = flags.volume.filter((text) => text.includes(":")).map((text) => absoluteBind(text, cwd));
  const host: HostConfig = {
    AutoRemove: flags.rm,
    ...resources(flags),
    ...await isolation(flags),
    ...nameHostConfig(flags),
  };
  if (binds.length > 0) host.Binds = binds;
  if (flags["volume-driver"] !== undefined) host.VolumeDriver = flags["volume-driver"];
  if (flags["volumes-from"].length > 0) host.VolumesFrom = flags["volumes-from"];
  if (flags.mount.length > 0) host.Mounts = flags.mount.map((text) => parseMount(text, cwd));
  if (flags.cidfile !== undefined) host.ContainerIDFile = flags.cidfile;
  if (flags["log-driver"] !== undefined || flags["log-opt"].length > 0) host.LogConfig = logConfig(flags);
  const policy = restartPolicy(flags);
  if (policy !== undefined) host.RestartPolicy = policy;
  const annotations = healthAnnotations(flags);
  if (annotations !== undefined) host.Annotations = { ...host.Annotations, ...annotations };
  if (flags.init) host.Init = true;
  if (flags.tmpfs.length > 0) host.Tmpfs = Object.fromEntries(flags.tmpfs.map(splitTmpfs));
  return host;
}

/** Refuses a `-v` that is invalid on every platform. @throws {UsageError} with Docker's messages */
function checkVolume(text: string): void {
  if (text === "") throw new UsageError("invalid empty volume spec");
  const parts = text.split(":");
  if (parts.includes("")) throw new UsageError(`invalid spec: ${text}: empty section between colons`);
  if (parts.length > 3) throw new UsageError(`invalid spec: ${text}: too many colons`);
}

/** Returns the log configuration. An option without `=` has an empty value, as in Docker. @throws {UsageError} */
function logConfig(flags: Pick<CreateFlagValues, "log-driver" | "log-opt">): LogConfig {
  const driver = flags["log-driver"] ?? "";
  if (driver === "none" && flags["log-opt"].length > 0) throw new UsageError("invalid logging opts for driver none");
  return { Type: driver, Config: Object.fromEntries(flags["log-opt"].map(splitPair)) };
}

function absoluteBind(bind: string, cwd: string): string {
  const colon = bind.indexOf(":");
  return absoluteSource(bind.slice(0, colon), cwd) + bind.slice(colon);
}

function splitTmpfs(text: string): [string, string] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}

async function environment(flags: CreateFlagValues, env: CreateSurroundings["env"]): Promise<string[]> {
  const fromFiles = await Promise.all(flags["env-file"].map((path) => readEnvFile(path, env)));
  return [...fromFiles.flat(), ...environmentStrings(flags.env, env)];
}
