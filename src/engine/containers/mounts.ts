/**
 * @module
 * What a container asks to see: `-v source:target[:options]`, `--mount type=bind|volume|tmpfs`, `--tmpfs target[:options]`.
 * Pure: which volumes are there is looked up later.
 */
import type { HostConfig, Mount } from "../../api/wire/mod.ts";
import { TsdError } from "../../errors.ts";
import { checkVolumeName } from "../volumes/volume_names.ts";
import {
  type BindMount,
  cleanPath,
  type ContainerMount,
  type Propagation,
  type TmpfsMount,
} from "../../runtime/spec/mod.ts";

const PROPAGATIONS: ReadonlySet<string> = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);

/** Options of `-v`, of each kind at most one. Those of the last three only matter with SELinux, elsewhere, or to volumes. */
const BIND_OPTIONS: readonly ReadonlySet<string>[] = [
  new Set(["ro", "rw"]),
  PROPAGATIONS,
  new Set(["z", "Z"]),
  new Set(["consistent", "cached", "delegated"]),
  new Set(["nocopy"]),
];

/** A mount, and whether its source folder is made when it is missing (`-v` does, `--mount` doesn't). */
export interface RequestedMount {
  readonly mount: ContainerMount;
  readonly createSource: boolean;
  /** The options of `-v` as they were given. */
  readonly mode: string;
  /** It came as `--tmpfs`, which Docker doesn't list among the mounts. */
  readonly isTmpfsFlag?: boolean;
  /** The volume that is mounted there. */
  readonly volume?: VolumeUse;
  /** What the volume is to be like if it has to be made. */
  readonly wish?: VolumeWish;
}

/** What somebody wants of a volume that there may not be yet. */
export interface VolumeWish {
  readonly driver?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | null | undefined;
  readonly options?: Readonly<Record<string, string>> | null | undefined;
}

/** How a container uses a volume. */
export interface VolumeUse {
  /** Empty until an anonymous one is made. */
  readonly name: string;
  /** Nobody gave it a name: it may go with its container. */
  readonly isAnonymous: boolean;
  /** Whether an empty one gets what the image has at the target. */
  readonly copies: boolean;
  /** What of it is mounted; all of it if not given. */
  readonly subpath?: string;
}

/** All mounts of a request, in Docker's order. @throws {TsdError} invalid_argument, not_implemented */
export function requestedMounts(host: HostConfig): RequestedMount[] {
  const requested: RequestedMount[] = [
    ...(host.Binds ?? []).map((text) => parseBind(text, host.VolumeDriver)),
    ...(host.Mounts ?? []).map(parseMount),
    ...Object.entries(host.Tmpfs ?? {}).map(([target, options]) => ({
      mount: tmpfsFlag(target, options),
      createSource: false,
      mode: "",
      isTmpfsFlag: true,
    })),
  ];
  const seen = new Set<string>();
  for (const { mount: { target } } of requested) {
    if (seen.has(target)) throw refusal(`Duplicate mount point: ${target}`);
    seen.add(target);
  }
  return requested;
}

/** All mounts of a container. */
export const mountsOf = (
  { mounts, hostConfig }: { readonly mounts?: readonly RequestedMount[]; readonly hostConfig: HostConfig },
): readonly RequestedMount[] => mounts ?? requestedMounts(hostConfig);

/** Volumes without a name, for targets of `-v /path` and of an image. @throws {TsdError} invalid_argument */
export function anonymousMounts(targets: Iterable<string>, driver?: string): RequestedMount[] {
  return [...targets].map((target) => {
    const checked = mountTarget({ Type: "volume", Target: target }, `invalid volume specification: '${target}': `);
    return volumeMount(checked, { name: "", isAnonymous: true, copies: true }, { mode: "", wish: { driver } });
  });
}

/** The source is known when the volume is. */
function volumeMount(
  target: string,
  volume: VolumeUse,
  { readOnly = false, mode, wish }: { readOnly?: boolean; mode: string; wish: VolumeWish },
): RequestedMount {
  return { mount: { kind: "volume", source: "", target, readOnly }, createSource: false, mode, volume, wish };
}

function parseBind(text: string, driver: string | undefined): RequestedMount {
  const invalid = `invalid volume specification: '${text}'`;
  const [source, target, mode = "", ...more] = text.split(":");
  if (source === "" || more.length > 0 || (mode === "" && target !== undefined && isMode(target))) {
    throw refusal(invalid);
  }
  if (!isMode(mode)) throw refusal(`invalid mode: ${mode}`);
  const type = source.startsWith("/") && target !== undefined ? "bind" : "volume";
  const checked = mountTarget({ Type: type, Target: target ?? source }, `${invalid}: `);
  const options = mode.split(",");
  const propagation = options.find((option) => PROPAGATIONS.has(option));
  const readOnly = options.includes("ro");
  if (type === "volume") {
    const name = target === undefined ? "" : source;
    if (name !== "") checkVolumeName(name);
    if (propagation !== undefined) {
      throw refusal(`${invalid}: BindOptions must not be specified on mount type "volume"`);
    }
    const volume = { name, isAnonymous: name === "", copies: !options.includes("nocopy") };
    return volumeMount(checked, volume, { readOnly, mode: mode || SHARED_LABEL, wish: { driver } });
  }
  return {
    mount: {
      kind: "bind",
      source,
      target: checked,
      readOnly,
      ...(propagation === undefined ? {} : { propagation: propagation as Propagation }),
    },
    createSource: true,
    mode,
  };
}

/** Docker shows this mode of a volume that has none. */
const SHARED_LABEL = "z";

/** Whether these are options of `-v`: known ones, and none against another. */
function isMode(text: string): boolean {
  const options = text === "" ? [] : text.split(",");
  const known = BIND_OPTIONS.map((kind) => options.filter((option) => kind.has(option)).length);
  return known.every((count) => count <= 1) && known.reduce((sum, count) => sum + count, 0) === options.length;
}

/** Kinds of Docker's that there aren't. */
const OTHER_TYPES: ReadonlySet<string> = new Set(["image", "npipe", "cluster"]);

/** The options that belong to each kind, and what the others are told. */
const OPTIONS_OF = {
  bind: "BindOptions",
  tmpfs: "TmpfsOptions",
  volume: "VolumeOptions",
  image: "ImageOptions",
} as const;

function parseMount(mount: Mount): RequestedMount {
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
  throw badMount(mount, "mount type unknown");
}

function volumeOfMount(mount: Mount, target: string): RequestedMount {
  const { Source: name = "", ReadOnly: readOnly = false, VolumeOptions: options } = mount;
  const { NoCopy = false, Subpath: subpath = "", Labels: labels, DriverConfig: driver } = options ?? {};
  if (subpath !== "" && !isLocal(subpath)) throw badMount(mount, "subpath must be a relative path within the volume");
  if (name === "" && readOnly) throw badMount(mount, "must not set ReadOnly mode when using anonymous volumes");
  if (name === "" && subpath !== "") throw badMount(mount, "must not set Subpath when using anonymous volumes");
  if (name !== "") checkVolumeName(name);
  const use = { name, isAnonymous: name === "", copies: !NoCopy && subpath === "" };
  const wish = { driver: driver?.Name, options: driver?.Options, labels };
  return volumeMount(target, { ...use, ...(subpath !== "" && { subpath }) }, { readOnly, mode: SHARED_LABEL, wish });
}

/** Whether a path stays where it begins, links aside. */
function isLocal(path: string): boolean {
  let depth = 0;
  for (const name of path.split("/")) {
    if (name === "..") depth--;
    else if (name !== "" && name !== ".") depth++;
    if (depth < 0) return false;
  }
  return !path.startsWith("/");
}

/** @param before said before what is wrong */
function mountTarget(mount: Mount, before = ""): string {
  const { Target: target = "" } = mount;
  const problem = target === "" ? "field Target must not be empty" : targetProblem(target);
  if (problem !== undefined) throw badMount(mount, problem, before);
  return cleanPath(target);
}

/** Why something can't be mounted there, in Docker's words. */
function targetProblem(target: string): string | undefined {
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
const badMount = ({ Type: type = "bind" }: Mount, why: string, before = "") =>
  refusal(`${before}invalid mount config for type "${type}": ${why}`);

function tmpfsFlag(target: string, options: string): TmpfsMount {
  const problem = targetProblem(target);
  if (problem !== undefined) throw refusal(problem);
  return { kind: "tmpfs", target: cleanPath(target), options: options === "" ? [] : options.split(",") };
}

const refusal = (message: string) => new TsdError("invalid_argument", message);
