/**
 * @module
 * Parses the mounts that a container requests: `-v source:target[:options]`, `--mount type=bind|volume|tmpfs|image` and
 * `--tmpfs target[:options]`. Pure: volumes and images are looked up later.
 */
import type { HostConfig } from "../../api_types/mod.ts";
import { cleanPath, type Propagation, type TmpfsMount } from "../../runtime/spec/mod.ts";
import { checkVolumeName } from "./volume_names.ts";
import {
  mountTarget,
  parseMount,
  PROPAGATIONS,
  refusal,
  SHARED_LABEL,
  targetProblem,
  volumeMount,
} from "./mount_fields.ts";
import type { RequestedMount } from "./requested_mount.ts";

export type { ImageUse, MountedImage, RequestedMount, RequestedVolume, VolumeUse } from "./requested_mount.ts";

/** The option of `-v` that prevents copy-up into an empty volume. */
export const NOCOPY = "nocopy";

/**
 * Options of `-v`, at most one of each set. The last three sets matter only with SELinux, on other systems, or to
 * volumes.
 */
const BIND_OPTIONS: readonly ReadonlySet<string>[] = [
  new Set(["ro", "rw"]),
  PROPAGATIONS,
  new Set(["z", "Z"]),
  new Set(["consistent", "cached", "delegated"]),
  new Set([NOCOPY]),
];

/** Returns all mounts of a request, in Docker's order. @throws {TsdError} invalid_argument, not_implemented */
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

/** Returns all mounts of a container. */
export const mountsOf = (
  { mounts, hostConfig }: { readonly mounts?: readonly RequestedMount[]; readonly hostConfig: HostConfig },
): readonly RequestedMount[] => mounts ?? requestedMounts(hostConfig);

/**
 * Returns mounts of anonymous volumes for the targets of `-v /path` and of the image's `VOLUME`.
 * @throws {TsdError} invalid_argument
 */
export function anonymousMounts(targets: Iterable<string>, driver?: string): RequestedMount[] {
  return [...targets].map((target) => {
    const checked = mountTarget({ Type: "volume", Target: target }, `invalid volume specification: '${target}': `);
    return volumeMount(checked, { name: "", isAnonymous: true, copies: true }, { mode: "", wish: { driver } });
  });
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
    const volume = { name, isAnonymous: name === "", copies: !options.includes(NOCOPY) };
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

/** Returns whether a text consists of known options of `-v` that do not exclude each other. */
export function isMode(text: string): boolean {
  const options = text === "" ? [] : text.split(",");
  const known = BIND_OPTIONS.map((kind) => options.filter((option) => kind.has(option)).length);
  return known.every((count) => count <= 1) && known.reduce((sum, count) => sum + count, 0) === options.length;
}

function tmpfsFlag(target: string, options: string): TmpfsMount {
  const problem = targetProblem(target);
  if (problem !== undefined) throw refusal(problem);
  return { kind: "tmpfs", target: cleanPath(target), options: options === "" ? [] : options.split(",") };
}
