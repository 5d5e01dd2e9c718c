/**
 * @module
 * The volumes of containers: which ones a new one gets, by what it was asked for, its image, and other containers; what
 * goes with a container. Images that are mounted come along.
 */
import type { ContainerConfig, HostConfig } from "../../api_types/mod.ts";
import { isTsdError, toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Container } from "../model/container.ts";
import type { ImageMounts, ReadyImage } from "./image_mounts.ts";
import { anonymousMounts, isMode, mountsOf, NOCOPY, type RequestedMount, requestedMounts } from "../model/mounts.ts";
import { PROPAGATIONS } from "../model/mount_fields.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import type { VolumeService } from "./volume_service.ts";

export interface ContainerVolumesDeps {
  readonly paths: EnginePaths;
  readonly find: (nameOrId: string) => Container;
  readonly volumes: Pick<VolumeService, "create" | "reserve" | "remove">;
  readonly images: Pick<ImageMounts, "make">;
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

  /** All that is mounted, by Docker's order of precedence; nothing is made. @throws {TsdError} invalid_argument, ambiguous_id */
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

  /** Makes the volumes of a plan that there are not. @throws {TsdError} as `VolumeService.create` and `ImageMounts.make` */
  async make(plan: readonly RequestedMount[], containerId: string): Promise<ReadyMounts> {
    await using held = new AsyncDisposableStack();
    const made: string[] = [];
    const images: ReadyImage[] = [];
    let isKept = false;
    // Behind the reservations, which are the last to be used and the first to go.
    held.defer(async () => {
      if (!isKept) { for (const name of made) await this.#remove(name); }
    });
    const mounts: RequestedMount[] = [];
    for (const { wish = {}, ...each } of plan) {
      const { volume, mount, image } = each;
      if (image !== undefined) {
        const ready = held.use(await this.#deps.images.make(each, image, containerId));
        images.push(ready);
        mounts.push(ready.mount);
        continue;
      }
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
      keep: () => {
        isKept = true;
        for (const image of images) image.keep();
      },
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  }

  /** Removes those that nobody gave a name to, as far as no other container has them. */
  async removeAnonymous(container: Container): Promise<void> {
    for (const name of anonymousVolumes(container)) await this.#remove(name, container);
  }

  /** @param user a container that refers to it still, and is about to go */
  async #remove(name: string, user?: Container): Promise<void> {
    try {
      await this.#deps.volumes.remove(name, { force: true, user: user?.id });
    } catch (thrown) {
      if (isTsdError(thrown, "conflict")) return;
      this.#deps.log.error("an anonymous volume stays", { volume: name, error: toTsdError(thrown).message });
    }
  }

  /** One that isn't there is the request's mistake, as in Docker: nothing that could be pulled is missing. */
  #source(nameOrId: string): Container {
    try {
      return this.#deps.find(nameOrId);
    } catch (thrown) {
      if (!isTsdError(thrown, "container_not_found")) throw thrown;
      throw new TsdError("invalid_argument", thrown.message, { cause: thrown });
    }
  }

  /** `CONTAINER[:ro|rw]`. */
  #mountsFrom(spec: string): RequestedMount[] {
    if (spec === "") throw refusal("volumes-from specification cannot be an empty string");
    const [nameOrId, mode = ""] = spec.split(/:(.*)/s);
    const options = mode.split(",");
    if (!isMode(mode) || options.some((option) => PROPAGATIONS.has(option) || option === NOCOPY)) {
      throw refusal(`invalid mode: ${mode}`);
    }
    return mountsOf(this.#source(nameOrId!).record).filter(({ isTmpfsFlag }) => !isTmpfsFlag).map((each) => ({
      ...each,
      createSource: false,
      ...(each.volume && { volume: { ...each.volume, copies: false } }),
      mount: each.mount.kind === "tmpfs"
        ? each.mount
        : { ...each.mount, readOnly: each.mount.readOnly || options.includes("ro") },
    }));
  }
}

const anonymousVolumes = ({ record }: Pick<Container, "record">): string[] =>
  mountsOf(record).flatMap(({ volume }) => volume?.isAnonymous ? [volume.name] : []);

/** Whether it has volumes that go with it. */
export const hasAnonymousVolumes = (container: Pick<Container, "record">): boolean =>
  anonymousVolumes(container).length > 0;

const refusal = (message: string) => new TsdError("invalid_argument", message);
