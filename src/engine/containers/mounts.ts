/**
 * @module
 * What a container sees of the host: `-v source:target[:options]`, `--mount type=bind|tmpfs`, `--tmpfs target[:options]`.
 * Named and anonymous volumes are refused until there are volumes.
 */
import type { HostConfig, Mount } from "../../api/wire/mod.ts";
import { TsdError } from "../../errors.ts";
import {
  type BindMount,
  cleanPath,
  type ContainerMount,
  type Propagation,
  type TmpfsMount,
} from "../../runtime/spec/mod.ts";

const PROPAGATIONS: ReadonlySet<string> = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
/** Options of `-v` that only matter with SELinux or on other systems; Docker accepts them too. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["z", "Z", "consistent", "cached", "delegated", "nocopy"]);

/** A mount, and whether its source folder is made when it is missing (`-v` does, `--mount` doesn't). */
export interface RequestedMount {
  readonly mount: ContainerMount;
  readonly createSource: boolean;
}

/** All mounts of a request, in Docker's order. @throws {TsdError} invalid_argument, not_implemented */
export function requestedMounts(host: HostConfig): RequestedMount[] {
  const requested = [
    ...(host.Binds ?? []).map((text) => ({ mount: parseBind(text), createSource: true })),
    ...(host.Mounts ?? []).map((mount) => ({
      mount: parseMount(mount),
      createSource: mount.BindOptions?.CreateMountpoint ?? false,
    })),
    ...Object.entries(host.Tmpfs ?? {}).map(([target, options]) => ({
      mount: tmpfs(target, options === "" ? [] : options.split(",")),
      createSource: false,
    })),
  ];
  const seen = new Set<string>();
  for (const { mount: { target } } of requested) {
    if (seen.has(target)) throw new TsdError("invalid_argument", `Duplicate mount point: ${target}`);
    seen.add(target);
  }
  return requested;
}

function parseBind(text: string): BindMount {
  const invalid = (why: string) => new TsdError("invalid_argument", `invalid volume specification: '${text}': ${why}`);
  const [source, target, options = "", ...more] = text.split(":");
  if (target === undefined) throw unsupportedVolume(text);
  if (more.length > 0) throw invalid("too many colons");
  if (!source.startsWith("/")) {
    if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(source)) throw unsupportedVolume(text);
    throw invalid("the source must be an absolute path");
  }
  let readOnly = false;
  let propagation: Propagation | undefined;
  for (const option of options.split(",").filter((each) => each !== "")) {
    if (option === "ro" || option === "readonly") readOnly = true;
    else if (PROPAGATIONS.has(option)) propagation = option as Propagation;
    else if (option !== "rw" && !WITHOUT_EFFECT.has(option)) throw invalid(`unknown option ${option}`);
  }
  return {
    kind: "bind",
    source,
    target: checkTarget(target, text),
    readOnly,
    ...(propagation === undefined ? {} : { propagation }),
  };
}

/** Kinds of Docker's that there aren't. */
const OTHER_TYPES: ReadonlySet<string> = new Set(["volume", "image", "npipe", "cluster"]);

/** The options that belong to each kind, and what the others are told. */
const OPTIONS_OF = {
  bind: "BindOptions",
  tmpfs: "TmpfsOptions",
  volume: "VolumeOptions",
  image: "ImageOptions",
} as const;

function parseMount(mount: Mount): ContainerMount {
  const { Type: type = "" as NonNullable<Mount["Type"]> } = mount;
  for (const [kind, options] of Object.entries(OPTIONS_OF)) {
    if (kind !== type && mount[options]) {
      throw new TsdError("invalid_argument", `${options} must not be specified on mount type "${type}"`);
    }
  }
  if (OTHER_TYPES.has(type)) {
    throw new TsdError("not_implemented", `Cannot create the container: --mount type=${type} is not supported yet`);
  }
  const target = mountTarget(mount);
  if (type === "bind") return bindMount(mount, target);
  if (type === "tmpfs") return tmpfsMount(mount, target);
  throw badMount(mount, "mount type unknown");
}

function mountTarget(mount: Mount): string {
  const { Target: target = "" } = mount;
  if (target === "") throw badMount(mount, "field Target must not be empty");
  if (!target.startsWith("/")) throw badMount(mount, notAbsolute(target));
  const path = cleanPath(target);
  if (path === "/") throw badMount(mount, "invalid specification: destination can't be '/'");
  return path;
}

function bindMount(mount: Mount, target: string): BindMount {
  const { Source: source = "", ReadOnly: readOnly = false } = mount;
  const options = mount.BindOptions ?? {};
  if (source === "") throw badMount(mount, "field Source must not be empty");
  if (!source.startsWith("/")) throw badMount(mount, notAbsolute(source));
  if (options.Propagation && !PROPAGATIONS.has(options.Propagation)) {
    throw badMount(mount, `invalid propagation mode: ${options.Propagation}`);
  }
  return {
    kind: "bind",
    source,
    target,
    readOnly,
    ...(options.Propagation ? { propagation: options.Propagation } : {}),
    ...(options.NonRecursive ? { recursive: false } : {}),
    ...(options.ReadOnlyNonRecursive ? { recursiveReadOnly: "off" } : {}),
    ...(options.ReadOnlyForceRecursive ? { recursiveReadOnly: "force" } : {}),
  };
}

function tmpfsMount(mount: Mount, target: string): TmpfsMount {
  const { Source: source, ReadOnly: readOnly, TmpfsOptions: options } = mount;
  if (source) throw badMount(mount, "field Source must not be specified");
  return {
    kind: "tmpfs",
    target,
    options: [
      ...(options?.SizeBytes ? [`size=${options.SizeBytes}`] : []),
      ...(options?.Mode ? [`mode=${options.Mode.toString(8)}`] : []),
      ...(readOnly ? ["ro"] : []),
      ...(options?.Options ?? []).map((pair) => pair.join("=")),
    ],
  };
}

const notAbsolute = (path: string) => `invalid mount path: '${path}' mount path must be absolute`;
const badMount = ({ Type: type = "bind" }: Mount, why: string) =>
  new TsdError("invalid_argument", `invalid mount config for type "${type}": ${why}`);

function tmpfs(target: string, options: readonly string[]): TmpfsMount {
  return { kind: "tmpfs", target: checkTarget(target, target), options };
}

function checkTarget(target: string, text: string): string {
  if (!target.startsWith("/")) {
    throw new TsdError("invalid_argument", `invalid mount path: '${target}' mount path must be absolute`);
  }
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) {
    throw new TsdError("invalid_argument", `invalid mount path: '${text}' must not contain '..'`);
  }
  if (parts.length === 0) {
    throw new TsdError("invalid_argument", `invalid volume specification: '${text}': destination can't be '/'`);
  }
  return `/${parts.join("/")}`;
}

const unsupportedVolume = (text: string) =>
  new TsdError(
    "not_implemented",
    `Cannot create the container: volumes are not supported yet; give an absolute host path instead of '${text}'`,
  );

/** Says which source is missing that is not to be made (`--mount`). @throws {TsdError} invalid_argument */
export async function requireSources(requested: readonly RequestedMount[]): Promise<void> {
  for (const { mount, createSource } of requested) {
    if (mount.kind === "tmpfs" || createSource || await isThere(mount.source)) continue;
    throw new TsdError(
      "invalid_argument",
      `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`,
    );
  }
}

/** Makes missing source folders (`-v`); the others have to be there. @throws {TsdError} invalid_argument */
export async function prepareSources(requested: readonly RequestedMount[]): Promise<void> {
  await requireSources(requested);
  for (const { mount } of requested) {
    if (mount.kind === "tmpfs" || await isThere(mount.source)) continue;
    try {
      await Deno.mkdir(mount.source, { recursive: true, mode: 0o755 });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const what = `error while creating mount source path '${mount.source}'`;
      throw new TsdError("invalid_argument", `${what}: ${why}`, { cause });
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return false;
    throw thrown;
  }
}
