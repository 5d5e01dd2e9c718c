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
    ...(host.Binds ?? []).map(parseBind),
    ...(host.Mounts ?? []).map((mount) => ({
      mount: parseMount(mount),
      createSource: mount.BindOptions?.CreateMountpoint ?? false,
      mode: "",
    })),
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

function parseBind(text: string): RequestedMount {
  const invalid = `invalid volume specification: '${text}'`;
  const [source, target, mode = "", ...more] = text.split(":");
  if (source === "" || more.length > 0 || (mode === "" && target !== undefined && isMode(target))) {
    throw refusal(invalid);
  }
  if (!isMode(mode)) throw refusal(`invalid mode: ${mode}`);
  const type = source.startsWith("/") && target !== undefined ? "bind" : "volume";
  const checked = mountTarget({ Type: type, Target: target ?? source }, `${invalid}: `);
  if (type === "volume") throw unsupportedVolume(text, target === undefined ? undefined : source);
  const options = mode.split(",");
  const propagation = options.find((option) => PROPAGATIONS.has(option));
  return {
    mount: {
      kind: "bind",
      source,
      target: checked,
      readOnly: options.includes("ro"),
      ...(propagation === undefined ? {} : { propagation: propagation as Propagation }),
    },
    createSource: true,
    mode,
  };
}

/** Whether these are options of `-v`: known ones, and none against another. */
function isMode(text: string): boolean {
  const options = text === "" ? [] : text.split(",");
  const known = BIND_OPTIONS.map((kind) => options.filter((option) => kind.has(option)).length);
  return known.every((count) => count <= 1) && known.reduce((sum, count) => sum + count, 0) === options.length;
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
      throw refusal(`${options} must not be specified on mount type "${type}"`);
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

function unsupportedVolume(text: string, name: string | undefined): TsdError {
  if (name !== undefined && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    return refusal(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only ` +
        '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    );
  }
  return new TsdError(
    "not_implemented",
    `Cannot create the container: volumes are not supported yet; give an absolute host path instead of '${text}'`,
  );
}
