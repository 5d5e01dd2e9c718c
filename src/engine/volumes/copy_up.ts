/**
 * @module
 * Copies the image's content into an empty volume, or an empty directory of one (`volume-subpath`), when a container is
 * made with it. A copy that an engine didn't finish is begun again before anybody sees the volume: until then the directory
 * counts as empty. Not so where a container runs with the volume: what is in it may be its work, and whatever it is, it has
 * been seen.
 */
import { isTsdError, prefixed } from "../../errors.ts";
import { cString, isErrno, O, OwnedFd, RESOLVE } from "../../sys/mod.ts";
import type { CopyTask } from "../copy/protocol.ts";
import type { CopyWorkers } from "../copy/workers.ts";
import type { Container } from "../model/container.ts";
import { mountsOf, type RequestedMount, type VolumeUse } from "../model/mounts.ts";
import { namesIn, removeTree } from "../directories.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import { type EnginePaths, volumePaths } from "../paths.ts";
import type { SharedSnapshots } from "../images/shared_snapshots.ts";
import { localMount } from "./local_options.ts";
import { ALL, type IncompleteVolumes } from "./incomplete_volumes.ts";
import { requireDirectory, type VolumeMounts } from "./volume_mounts.ts";
import { isDirectory, openPart, type SubpathCalls } from "./volume_subpaths.ts";
import type { VolumeTable } from "./volume_table.ts";

export interface CopyUpDeps {
  readonly paths: EnginePaths;
  readonly table: Pick<VolumeTable, "known">;
  readonly mounts: Pick<VolumeMounts, "holdAll" | "isRunWith">;
  readonly snapshots: Pick<SharedSnapshots, "hold">;
  readonly workers: Pick<CopyWorkers, "begin">;
  readonly incomplete: IncompleteVolumes;
  readonly calls: Pick<SubpathCalls, "files" | "metadata">;
  /** By volume; nobody else's. */
  readonly locks: KeyedLock;
}

type Copied = RequestedMount & { readonly volume: VolumeUse };

/** A directory of a volume, held by a descriptor until it is disposed of. */
interface HeldDirectory extends Disposable {
  /** Leads to the held directory, whatever its name leads to by now. */
  readonly path: string;
  /** Its path in the volume, through no link; or {@link ALL}. */
  readonly name: string;
}

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
      const half = incomplete.filling(name);
      if (half === undefined) return;
      await using _held = await mounts.holdAll([name]);
      if (!mounts.isRunWith(name)) await this.#emptied(name, half);
      await incomplete.finishFilling(name);
    });
  }

  #isHalf({ volume: { name } }: Copied): boolean {
    return this.#deps.incomplete.filling(name) !== undefined;
  }

  async #fillOne(container: Container, each: Copied): Promise<void> {
    const { mount: { target }, volume: { name, copies } } = each;
    const { locks, mounts, incomplete } = this.#deps;
    await locks.run(name, async () => {
      await using _held = await mounts.holdAll([name]);
      requireDirectory(name, volumePaths(this.#deps.paths, name).data);
      const isRun = mounts.isRunWith(name);
      const half = isRun ? undefined : incomplete.filling(name);
      if (half !== undefined) await this.#emptied(name, half);
      using to = copies ? await this.#directoryFor(container, each) : undefined;
      const isAgain = to !== undefined && to.name === half;
      if (!isAgain) await incomplete.finishFilling(name);
      if (to !== undefined && (isAgain || await isEmpty(to))) {
        if (!isRun) await incomplete.beginFilling(name, to.name);
        await this.#copy(container, target, to.path, isAgain).catch((thrown) => this.#interrupted(name, thrown));
      }
      await incomplete.finishFilling(name);
    });
  }

  /**
   * What a container mounts of a volume; undefined where there is no such directory, which its start tells. Who has an
   * image without the target learns only then of a subpath that leads out of the volume, as with dockerd.
   * @throws {TsdError} invalid_argument: the subpath leads out
   */
  async #directoryFor(container: Container, { mount, volume }: Copied): Promise<HeldDirectory | undefined> {
    const { data } = volumePaths(this.#deps.paths, volume.name);
    try {
      return this.#held(data, openPart(data, volume.subpath ?? ".", this.#deps.calls));
    } catch (thrown) {
      if (isTsdError(thrown, "not_found")) return undefined;
      if (!isTsdError(thrown, "invalid_argument")) throw thrown;
      if (!await this.#isInImage(container, mount.target)) return undefined;
      throw prefixed("failed to populate volume", thrown);
    }
  }

  /** Undefined where it is no directory, and what is mounted a file. It owns the descriptor. */
  #held(data: string, part: OwnedFd): HeldDirectory | undefined {
    using opened = part;
    if (!isDirectory(opened, this.#deps.calls)) return undefined;
    const name = Deno.readLinkSync(opened.procPath).slice(Deno.realPathSync(data).length + 1);
    const held = new OwnedFd(opened.take(), this.#deps.calls.files);
    return { path: `${held.procPath}/.`, name, [Symbol.dispose]: () => held.close() };
  }

  async #isInImage(container: Container, path: string): Promise<boolean> {
    try {
      await this.#onRoot(container, { kind: "stat", path });
      return true;
    } catch (thrown) {
      if (isTsdError(thrown, "not_found", "invalid_argument")) return false;
      throw thrown;
    }
  }

  /** Half a copy stays noted, unless a container was already being started when it began, and writes to it by now. */
  async #interrupted(name: string, thrown: unknown): Promise<never> {
    const { mounts, incomplete } = this.#deps;
    if (mounts.isRunWith(name)) await incomplete.finishFilling(name);
    throw thrown;
  }

  /** @param replaces whether there may be files of a copy that was not finished */
  #copy(container: Container, path: string, to: string, replaces: boolean): Promise<void> {
    return this.#onRoot(container, { kind: "copy", path, to, replaces });
  }

  async #onRoot(container: Container, task: CopyTask): Promise<void> {
    await using root = await this.#deps.snapshots.hold(container.id);
    const view = { root: root.root, readOnly: true, mounts: [] };
    const job = { view, task, container: container.name };
    await (await this.#deps.workers.begin(job, new AbortController().signal)).ended();
  }

  /** Nothing is deleted through a mount: what a volume's options say is mounted is somebody else's, and is written over. */
  async #emptied(name: string, directory: string): Promise<void> {
    const { paths, table } = this.#deps;
    if (localMount(table.known(name)?.options ?? null) !== undefined) return;
    using held = this.#inVolume(volumePaths(paths, name).data, directory);
    if (held === undefined) return;
    for (const each of await namesIn(held.path)) await removeTree(`${held.path}/${each}`);
  }

  /** A directory by its path in a volume, through no link; undefined where it has gone since. */
  #inVolume(data: string, directory: string): HeldDirectory | undefined {
    const { files } = this.#deps.calls;
    const path = cString(directory === ALL ? "." : directory);
    try {
      using whole = new OwnedFd(files.open(cString(data), O.PATH | O.DIRECTORY), files);
      const how = { flags: O.PATH | O.DIRECTORY, resolve: RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS };
      return this.#held(data, new OwnedFd(files.openat2(whole.fd, path, how), files));
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT", "ENOTDIR", "ELOOP", "EXDEV")) return undefined;
      throw thrown;
    }
  }
}

const volumeMounts = ({ record }: Container): Copied[] =>
  mountsOf(record).filter((each): each is Copied => each.volume !== undefined);

async function isEmpty({ path }: HeldDirectory): Promise<boolean> {
  for await (const _ of Deno.readDir(path)) return false;
  return true;
}
