/**
 * @module
 * The volumes of containers: which ones a new one gets, by what it was asked for, its image, and other containers; what
 * an empty one gets from the image; what goes with a container.
 */
import type { ContainerConfig, HostConfig } from "../../api/wire/mod.ts";
import { isTsdError, toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { ArchiveWorkers } from "../archives/archive_workers.ts";
import type { Container } from "../containers/container.ts";
import { anonymousMounts, mountsOf, type RequestedMount, requestedMounts } from "../containers/mounts.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import type { SharedSnapshots } from "../shared_snapshots.ts";
import type { VolumeMounts } from "./volume_mounts.ts";
import type { VolumeService } from "./volume_service.ts";

export interface ContainerVolumesDeps {
  readonly paths: EnginePaths;
  readonly find: (nameOrId: string) => Container;
  readonly volumes: Pick<VolumeService, "create" | "reserve" | "remove">;
  readonly mounts: Pick<VolumeMounts, "holdAll">;
  readonly snapshots: Pick<SharedSnapshots, "hold">;
  readonly workers: Pick<ArchiveWorkers, "begin">;
  readonly log: Log;
}

/** Mounts of a container that is about to be. Disposing of it takes away what was made for it, unless it was kept. */
export interface ReadyMounts extends AsyncDisposable {
  readonly mounts: readonly RequestedMount[];
  /** The container's record refers to them now. */
  keep(): void;
}

/** See the module's comment. */
export class ContainerVolumes {
  readonly #deps: ContainerVolumesDeps;

  constructor(deps: ContainerVolumesDeps) {
    this.#deps = deps;
  }

  /** All that is mounted, by Docker's order of precedence; nothing is made. @throws {TsdError} invalid_argument, container_not_found */
  plan({ Volumes }: ContainerConfig, host: HostConfig): RequestedMount[] {
    const byTarget = new Map<string, RequestedMount>();
    for (const spec of host.VolumesFrom ?? []) {
      for (const each of this.#mountsFrom(spec)) byTarget.set(each.mount.target, each);
    }
    for (const each of requestedMounts(host)) byTarget.set(each.mount.target, each);
    for (const each of anonymousMounts(Object.keys(Volumes ?? {}), host.VolumeDriver)) {
      if (!byTarget.has(each.mount.target)) byTarget.set(each.mount.target, each);
    }
    return [...byTarget.values()];
  }

  /** Makes the volumes of a plan that there are not. @throws {TsdError} as `VolumeService.create` */
  async make(plan: readonly RequestedMount[]): Promise<ReadyMounts> {
    await using held = new AsyncDisposableStack();
    const made: string[] = [];
    let isKept = false;
    // Behind the reservations, which are the last to be used and the first to go.
    held.defer(async () => {
      if (!isKept) { for (const name of made) await this.#remove(name); }
    });
    const mounts: RequestedMount[] = [];
    for (const { wish = {}, ...each } of plan) {
      const { volume, mount } = each;
      if (volume === undefined || mount.kind === "tmpfs") {
        mounts.push(each);
        continue;
      }
      const { driver, labels = null, options = null } = wish;
      const { name } = await this.#deps.volumes.create({ name: volume.name, driver, labels, options });
      if (volume.name === "") made.push(name);
      held.use(this.#deps.volumes.reserve(name));
      const source = volumePaths(this.#deps.paths, name).data;
      mounts.push({ ...each, mount: { ...mount, source }, volume: { ...volume, name } });
    }
    const all = held.move();
    return {
      mounts,
      keep: () => void (isKept = true),
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  }

  /** Copies what the image has at the targets of empty volumes. @throws {TsdError} */
  async fill(container: Container): Promise<void> {
    for (const { mount, volume } of mountsOf(container.record)) {
      if (!volume?.copies) continue;
      await using _held = await this.#deps.mounts.holdAll([volume.name]);
      const { data } = volumePaths(this.#deps.paths, volume.name);
      if (!await isEmptyFolder(data)) continue;
      await using root = await this.#deps.snapshots.hold(container.id);
      const view = { root: root.root, readOnly: true, mounts: [] };
      const task = { kind: "copy", path: mount.target, to: data } as const;
      const job = { view, task, container: container.name };
      await (await this.#deps.workers.begin(job, new AbortController().signal)).ended();
    }
  }

  /** Removes those that nobody gave a name to, as far as no other container has them. */
  async removeAnonymous({ record }: Container): Promise<void> {
    for (const { volume } of mountsOf(record)) if (volume?.isAnonymous) await this.#remove(volume.name);
  }

  async #remove(name: string): Promise<void> {
    try {
      await this.#deps.volumes.remove(name, { force: true });
    } catch (thrown) {
      if (isTsdError(thrown, "conflict")) return;
      this.#deps.log.error("an anonymous volume stays", { volume: name, error: toTsdError(thrown).message });
    }
  }

  /** `CONTAINER[:ro|rw]`. */
  #mountsFrom(spec: string): RequestedMount[] {
    if (spec === "") throw refusal("volumes-from specification cannot be an empty string");
    const [nameOrId, mode = "rw"] = spec.split(/:(.*)/s);
    if (!FROM_MODES.has(mode)) throw refusal(`invalid mode: ${mode}`);
    return mountsOf(this.#deps.find(nameOrId!).record).filter(({ isTmpfsFlag }) => !isTmpfsFlag).map((each) => ({
      ...each,
      createSource: false,
      ...(each.volume && { volume: { ...each.volume, copies: false } }),
      mount: each.mount.kind === "tmpfs"
        ? each.mount
        : { ...each.mount, readOnly: each.mount.readOnly || mode === "ro" },
    }));
  }
}

const FROM_MODES: ReadonlySet<string> = new Set(["ro", "rw", "z", "Z"]);

const refusal = (message: string) => new TsdError("invalid_argument", message);

async function isEmptyFolder(path: string): Promise<boolean> {
  for await (const _ of Deno.readDir(path)) return false;
  return true;
}
