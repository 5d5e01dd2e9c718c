/**
 * Parses `--mount`: comma-separated fields as documented on docs.docker.com ("Bind mounts", "tmpfs mounts";
 * `bind-create-src` is from docker CLI 29). One table defines the fields. The engine, not this parser, checks the mount type.
 */
import type { BindOptions, Mount, TmpfsOptions, VolumeOptions } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import { csvFields } from "./csv.ts";
import { readBool, readBytes, splitPair } from "./flag_values.ts";
import { absoluteSource } from "./host_path.ts";

/** A mount while its fields are parsed. */
interface Draft {
  Type: string;
  Source: string;
  Target: string;
  ReadOnly: boolean;
  Consistency: string;
  bind: BindOptions;
  volume: VolumeOptions & { Labels: Record<string, string>; driver?: string; options?: Record<string, string> };
  image: { Subpath?: string };
  tmpfs: TmpfsOptions;
  /** The kinds of options that were given. */
  readonly used: Set<OptionKind>;
}

type OptionKind = "bind" | "volume" | "image" | "tmpfs";
type Reader = (draft: Draft, value: string, key: string) => void;

/** Boolean fields, which are true if they have no value. */
const BOOLEAN_FIELDS = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"]);

const RECURSIONS: Readonly<Record<string, BindOptions>> = {
  enabled: {},
  disabled: { NonRecursive: true },
  writable: { ReadOnlyNonRecursive: true },
  readonly: { ReadOnlyForceRecursive: true },
};

const source: Reader = (draft, value) => void (draft.Source = value);
const target: Reader = (draft, value) => void (draft.Target = value);
const readOnly: Reader = (draft, value, key) => void (draft.ReadOnly = booleanOf(value, key));

const FIELDS: Readonly<Record<string, Reader>> = {
  type: (draft, value) => void (draft.Type = value.toLowerCase()),
  source,
  src: source,
  target,
  dst: target,
  destination: target,
  readonly: readOnly,
  ro: readOnly,
  consistency: (draft, value) => void (draft.Consistency = value.toLowerCase()),
  "bind-propagation": ({ bind }, value) =>
    void (bind.Propagation = value.toLowerCase() as NonNullable<BindOptions["Propagation"]>),
  "bind-nonrecursive": ({ bind }, value, key) => void (bind.NonRecursive = booleanOf(value, key)),
  "bind-recursive": ({ bind }, value, key) => {
    const options = Object.hasOwn(RECURSIONS, value) ? RECURSIONS[value] : undefined;
    if (options === undefined) {
      throw new UsageError(`${badValue(key, value)} (must be "enabled", "disabled", "writable", or "readonly")`);
    }
    Object.assign(bind, options);
  },
  "bind-create-src": ({ bind }, value, key) => void (bind.CreateMountpoint = booleanOf(value, key)),
  "volume-subpath": ({ volume }, value) => void (volume.Subpath = value),
  "volume-nocopy": ({ volume }, value, key) => void (volume.NoCopy = booleanOf(value, key)),
  "volume-label": ({ volume }, value) => addPair(volume.Labels, value),
  "volume-driver": ({ volume }, value) => void (volume.driver = value),
  "volume-opt": ({ volume }, value) => addPair(volume.options ??= {}, value),
  "image-subpath": ({ image }, value) => void (image.Subpath = value),
  "tmpfs-size": ({ tmpfs }, value, key) => void (tmpfs.SizeBytes = sizeOf(value, key)),
  "tmpfs-mode": ({ tmpfs }, value, key) => {
    if (!/^[0-7]{1,10}$/.test(value)) throw new UsageError(badValue(key, value));
    tmpfs.Mode = parseInt(value, 8);
  },
};

/**
 * Parses a value of `--mount`.
 * @param cwd the caller's working directory, to which a source that starts with `.` is relative
 * @throws {UsageError} with Docker's messages
 */
export function parseMount(text: string, cwd: string): Mount {
  const draft: Draft = {
    ...{ Type: "volume", Source: "", Target: "", ReadOnly: false, Consistency: "", bind: {}, image: {}, tmpfs: {} },
    volume: { Labels: {} },
    used: new Set(),
  };
  for (const field of csvFields(text)) readField(draft, field);
  draft.Source = absoluteSource(draft.Source, cwd);
  refuseContradictions(draft);
  return mountOf(draft);
}

function readField(draft: Draft, field: string): void {
  const [given, value] = splitPair(field);
  const key = given.toLowerCase();
  if (!field.includes("=") && !BOOLEAN_FIELDS.has(key)) {
    throw new UsageError(`invalid field '${field}' must be a key=value pair`);
  }
  const read = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
  if (read === undefined) throw new UsageError(`unexpected key '${key}' in '${field}'`);
  // `bind-recursive=enabled` is the default and sets no options.
  const kind = /^(bind|volume|image|tmpfs)-/.exec(key)?.[1] as OptionKind | undefined;
  if (kind !== undefined && field !== "bind-recursive=enabled") draft.used.add(kind);
  read(draft, field.includes("=") ? value : "true", key);
}

function refuseContradictions({ Type: type, Target, ReadOnly, bind, used }: Draft): void {
  if (type === "") throw new UsageError("type is required");
  if (Target === "") throw new UsageError("target is required");
  for (const kind of ["volume", "image", "bind", "tmpfs"] as const) {
    if (used.has(kind) && type !== kind) {
      throw new UsageError(`cannot mix '${kind}-*' options with mount type '${type}'`);
    }
  }
  const needs = (option: string, other: string) =>
    new UsageError(`option 'bind-recursive=${option}' requires '${other}' to be specified in conjunction`);
  if (bind.ReadOnlyNonRecursive && !ReadOnly) throw needs("writable", "readonly");
  if (bind.ReadOnlyForceRecursive && !ReadOnly) throw needs("readonly", "readonly");
  if (bind.ReadOnlyForceRecursive && bind.Propagation !== "rprivate") {
    throw needs("readonly", "bind-propagation=rprivate");
  }
}

function mountOf({ Type, Source, Target, ReadOnly, Consistency, bind, volume, image, tmpfs, used }: Draft): Mount {
  const { driver, options, ...rest } = volume;
  const driverConfig = { ...(driver && { Name: driver }), ...(options && { Options: options }) };
  return {
    Type: Type as NonNullable<Mount["Type"]>,
    ...(Source && { Source }),
    Target,
    ...(ReadOnly && { ReadOnly }),
    ...(Consistency && { Consistency }),
    ...(used.has("bind") && { BindOptions: bind }),
    ...(used.has("volume") && { VolumeOptions: { ...rest, DriverConfig: driverConfig } }),
    ...(used.has("image") && { ImageOptions: image }),
    ...(used.has("tmpfs") && { TmpfsOptions: tmpfs }),
  };
}

function booleanOf(value: string, key: string): boolean {
  const parsed = readBool(value);
  if (parsed === undefined) throw new UsageError(badValue(key, value));
  return parsed;
}

function sizeOf(value: string, key: string): number {
  try {
    return readBytes(value);
  } catch (thrown) {
    throw thrown instanceof UsageError ? new UsageError(badValue(key, value)) : thrown;
  }
}

function addPair(map: Record<string, string>, text: string): void {
  const [key, value] = splitPair(text);
  if (key !== "") map[key] = value;
}

const badValue = (key: string, value: string) => `invalid value for ${key}: ${value}`;
