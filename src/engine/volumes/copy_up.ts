/**
 * @module
 * An empty volume gets what the image has where it is mounted, when its container is made. A copy that an engine didn't
 * finish is begun again before anybody sees the volume: until then it counts as empty. Not so where a container runs with
 * the volume: what is in it may be its work, and whatever it is, it has been seen.
 */
import type { CopyWorkers } from "../copy/workers.ts";
import type { Container } from "../containers/container.ts";
import { mountsOf, type RequestedMount, type VolumeUse } from "../containers/mounts.ts";
import { namesIn, removeTree } from "../directories.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import type { SharedSnapshots } from "../containers/shared_snapshots.ts";
import { localMount } from "./local_options.ts";
import type { IncompleteVolumes } from "./incomplete_volumes.ts";
import type { VolumeMounts } from "./volume_mounts.ts";
import type { VolumeTable } from "./volume_table.ts";

export interface CopyUpDeps {
  readonly paths: EnginePaths;
  readonly table: Pick<VolumeTable, "known">;
  readonly mounts: Pick<VolumeMounts, "holdAll" | "isRunWith">;
  readonly snapshots: Pick<SharedSnapshots, "hold">;
  readonly workers: Pick<CopyWorkers, "begin">;
  readonly incomplete: IncompleteVolumes;
  /** By volume; nobody else's. */
  readonly locks: KeyedLock;
}

type Copied = RequestedMount & { readonly volume: VolumeUse };

/** See the module's comment. */
export class CopyUp {
  readonly #deps: CopyUpDeps;

  constructor(deps: CopyUpDeps) {
    this.#deps = deps;
  }

  /** Of a new container. @throws {TsdError} */
  async fill(container: Container): Promise<void> {
    for (const each of volumeMounts(container)) {
      if (each.volume.copies || this.#isHalf(each)) await this.#fillOne(container, each);
    }
  }

  /** What was not finished, before a container sees it. @throws {TsdError} */
  async finish(container: Container): Promise<void> {
    for (const each of volumeMounts(container)) if (this.#isHalf(each)) await this.#fillOne(container, each);
  }

  /** Before somebody reads a volume: half a copy is taken away; one that is under way is waited for. @throws {Error} */
  async settle(name: string): Promise<void> {
    const { locks, mounts, incomplete } = this.#deps;
    await locks.run(name, async () => {
      if (!incomplete.has(name, "filling")) return;
      await using _held = await mounts.holdAll([name]);
      if (!mounts.isRunWith(name)) await this.#emptied(name);
      await incomplete.finish(name, "filling");
    });
  }

  #isHalf({ volume: { name } }: Copied): boolean {
    return this.#deps.incomplete.has(name, "filling");
  }

  async #fillOne(container: Container, { mount: { target }, volume: { name, copies } }: Copied): Promise<void> {
    const { locks, mounts, incomplete, paths } = this.#deps;
    await locks.run(name, async () => {
      await using _held = await mounts.holdAll([name]);
      const { data } = volumePaths(paths, name);
      const isRun = mounts.isRunWith(name);
      const isHalf = !isRun && incomplete.has(name, "filling");
      if (isRun) await incomplete.finish(name, "filling");
      if (isHalf) await this.#emptied(name);
      if (copies && (isHalf || await isEmptyDir(data))) {
        if (!isRun) await incomplete.begin(name, "filling");
        await this.#copy(container, target, data, isHalf).catch((thrown) => this.#interrupted(name, thrown));
      }
      await incomplete.finish(name, "filling");
    });
  }

  /** Half a copy stays noted, unless a container was already being started when it began, and writes to it by now. */
  async #interrupted(name: string, thrown: unknown): Promise<never> {
    const { mounts, incomplete } = this.#deps;
    if (mounts.isRunWith(name)) await incomplete.finish(name, "filling");
    throw thrown;
  }

  /** @param replaces whether there may be files of a copy that was not finished */
  async #copy(container: Container, path: string, to: string, replaces: boolean): Promise<void> {
    await using root = await this.#deps.snapshots.hold(container.id);
    const view = { root: root.root, readOnly: true, mounts: [] };
    const job = { view, task: { kind: "copy", path, to, replaces } as const, container: container.name };
    await (await this.#deps.workers.begin(job, new AbortController().signal)).ended();
  }

  /** Nothing is deleted through a mount: what a volume's options say is mounted is somebody else's, and is written over. */
  async #emptied(name: string): Promise<void> {
    const { paths, table } = this.#deps;
    if (localMount(table.known(name)?.options ?? null) !== undefined) return;
    const { data } = volumePaths(paths, name);
    for (const each of await namesIn(data)) await removeTree(`${data}/${each}`);
  }
}

const volumeMounts = ({ record }: Container): Copied[] =>
  mountsOf(record).filter((each): each is Copied => each.volume !== undefined);

async function isEmptyDir(path: string): Promise<boolean> {
  for await (const _ of Deno.readDir(path)) return false;
  return true;
}
