/** @module The fields of a `Mount` in the API, for each type of mount, with Docker's texts for invalid ones. */
import type { Mount } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { type BindMount, cleanPath, type TmpfsMount } from "../../runtime/spec/mod.ts";
import { checkVolumeName } from "./volume_names.ts";
import type { RequestedMount, RequestedVolume, VolumeUse } from "./requested_mount.ts";

export const PROPAGATIONS: ReadonlySet<string> = new Set([
  ...["private", "rprivate", "shared", "rshared", "slave", "rslave"],
]);

/** The mode that Docker shows for a volume that has none. */
export const SHARED_LABEL = "z";

/** Docker's types that tsd does not support. */
const OTHER_TYPES: ReadonlySet<string> = new Set(["npipe", "cluster"]);

/** The options of each type, and the text for those given with another type. */
const OPTIONS_OF = {
  bind: "BindOptions",
  tmpfs: "TmpfsOptions",
  volume: "VolumeOptions",
  image: "ImageOptions",
} as const;

/** Parses a mount. @throws {TsdError} invalid_argument, not_implemented */
export function parseMount(mount: Mount): RequestedMount {
  const { Type: type = "" as NonNullable<Mount["Type"]> } = mount;
  for (const [kind, options] of Object.entries(OPTIONS_OF)) {
    if (kind !== type && mount[options]) {
      throw refusal(`${options} must not be specified on mount type "${type}"`);
    }
  }
  if (OTHER_TYPES.has(type)) {
    throw new TsdError("not_implemented", `Cannot create the container: --mount type=${type} is not supported yet`);
  }
  const target = mountTarget(mount);
  const createSource = mount.BindOptions?.CreateMountpoint ?? false;
  if (type === "volume") return volumeOfMount(mount, target);
  if (type === "bind") return { mount: bindMount(mount, target), createSource, mode: "" };
  if (type === "tmpfs") return { mount: tmpfsMount(mount, target), createSource, mode: "" };
  if (type === "image") return imageMount(mount, target);
  throw badMount(mount, "mount type unknown");
}

function volumeOfMount(mount: Mount, target: string): RequestedMount {
  const { Source: name = "", ReadOnly: readOnly = false, VolumeOptions: options } = mount;
  const { NoCopy = false, Subpath: subpath = "", Labels: labels, DriverConfig: driver } = options ?? {};
  if (subpath !== "" && !isLocal(subpath)) throw badMount(mount, "subpath must be a relative path within the volume");
  if (name === "" && readOnly) throw badMount(mount, "must not set ReadOnly mode when using anonymous volumes");
  if (name === "" && subpath !== "") throw badMount(mount, "must not set Subpath when using anonymous volumes");
  if (name !== "") checkVolumeName(name);
  const use = { name, isAnonymous: name === "", copies: !NoCopy };
  const wish = { driver: driver?.Name, options: driver?.Options, labels };
  return volumeMount(target, { ...use, ...(subpath !== "" && { subpath }) }, { readOnly, mode: SHARED_LABEL, wish });
}

/** Returns a mount of an image, which is read-only whatever the request says. */
function imageMount(mount: Mount, target: string): RequestedMount {
  const { Source: name = "", ImageOptions: options } = mount;
  const { Subpath: subpath = "" } = options ?? {};
  if (name === "") throw badMount(mount, "field Source must not be empty");
  if (subpath !== "" && !isLocal(subpath)) throw badMount(mount, "subpath must be a relative path within the volume");
  const image = { name, ...(subpath !== "" && { subpath }) };
  return { mount: { kind: "image", source: "", target, readOnly: true }, createSource: false, mode: "", image };
}

/** Returns whether a relative path stays below its start, symbolic links aside. */
function isLocal(path: string): boolean {
  let depth = 0;
  for (const name of path.split("/")) {
    if (name === "..") depth--;
    else if (name !== "" && name !== ".") depth++;
    if (depth < 0) return false;
  }
  return !path.startsWith("/");
}

/**
 * Returns the normalized target of a mount.
 * @param before prefix of the error message
 * @throws {TsdError} invalid_argument
 */
export function mountTarget(mount: Mount, before = ""): string {
  const { Target: target = "" } = mount;
  const problem = target === "" ? "field Target must not be empty" : targetProblem(target);
  if (problem !== undefined) throw badMount(mount, problem, before);
  return cleanPath(target);
}

/** Returns why nothing can be mounted at a target, in Docker's words, or undefined. */
export function targetProblem(target: string): string | undefined {
  if (cleanPath(target) === "/") return "invalid specification: destination can't be '/'";
  return target.startsWith("/") ? undefined : notAbsolute(target);
}

function bindMount(mount: Mount, target: string): BindMount {
  const { Source: source = "", ReadOnly: readOnly = false } = mount;
  const options = mount.BindOptions ?? {};
  if (source === "") throw badMount(mount, "field Source must not be empty");
  if (!source.startsWith("/")) throw badMount(mount, notAbsolute(source));
  if (options.Propagation && !PROPAGATIONS.has(options.Propagation)) {
    throw badMount(mount, `invalid propagation mode: ${options.Propagation}`);
  }
  if (options.ReadOnlyNonRecursive && options.ReadOnlyForceRecursive) {
    throw refusal("mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive");
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
      ...(options?.Options ?? []).map((pair) => tmpfsOption(mount, pair)),
    ],
  };
}

/** Options of a tmpfs besides its size and mode. */
const TMPFS_OPTIONS: ReadonlySet<string> = new Set(["exec", "noexec"]);

function tmpfsOption(mount: Mount, pair: readonly string[]): string {
  const [name = "", ...rest] = pair;
  if (pair.length === 0 || rest.length > 1) throw badMount(mount, "invalid option array length");
  if (!TMPFS_OPTIONS.has(name)) throw badMount(mount, `invalid option: ${name}`);
  return pair.join("=");
}

const notAbsolute = (path: string) => `invalid mount path: '${path}' mount path must be absolute`;
const badMount = ({ Type: type = "bind" }: Mount, why: string, before = "") =>
  refusal(`${before}invalid mount config for type "${type}": ${why}`);

/** Returns a mount of a volume; its source is filled in once the volume exists. */
export function volumeMount(
  target: string,
  volume: VolumeUse,
  { readOnly = false, mode, wish }: { readOnly?: boolean; mode: string; wish: RequestedVolume },
): RequestedMount {
  return { mount: { kind: "volume", source: "", target, readOnly }, createSource: false, mode, volume, wish };
}

export const refusal = (message: string) => new TsdError("invalid_argument", message);
