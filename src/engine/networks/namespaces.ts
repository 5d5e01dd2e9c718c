/**
 * @module
 * Network namespaces of containers, made before the runtime makes the container, and pinned by a mount in the run folder.
 * A child of the engine enters them, never the engine itself.
 */
import type { Log } from "../../log.ts";
import { LOOPBACK_BATCH, removalBatch } from "../../network/ip_batch.ts";
import { type FileCalls, interfaceIndex, isErrno, MNT, type MountCalls, MS } from "../../sys/mod.ts";
import type { LiveState } from "../model/container.ts";
import { openNamespace } from "../../runtime/process_namespace.ts";
import { namesIn } from "../directories.ts";
import type { EnginePaths } from "../paths.ts";
import { removeIfExists } from "../../io/if_exists.ts";
import type { RunNetworkProgram } from "./host_programs.ts";

export interface NamespacesDeps {
  readonly paths: Pick<EnginePaths, "runDir">;
  readonly run: RunNetworkProgram;
  readonly mounts: Pick<MountCalls, "mount" | "umount2">;
  readonly files: Pick<FileCalls, "open" | "close">;
  readonly log: Log;
}

/** See the module's comment. */
export class Namespaces {
  readonly #deps: NamespacesDeps;

  constructor(deps: NamespacesDeps) {
    this.#deps = deps;
  }

  pathOf(containerId: string): string {
    return `${this.#dir}/${containerId}`;
  }

  /** Makes a container's namespace with the interfaces of a batch. @throws {TsdError} runtime_missing, runtime_failed */
  async make(containerId: string, batch: string): Promise<void> {
    const path = this.#makePath(containerId);
    const words = ["unshare", `--net=${path}`, "--", "ip", "-batch", "-"];
    await this.#deps.run("make the container's network", words, LOOPBACK_BATCH + batch);
  }

  /**
   * Pins the namespace of a running container again if another program has unpinned it; says whether it had to.
   * @throws {TsdError} not_running; {SysError}
   */
  pin(containerId: string, process: Pick<LiveState, "pid" | "startTicks">): boolean {
    const path = this.pathOf(containerId);
    using namespace = openNamespace(process, "net", this.#deps.files);
    if (isSameFile(path, namespace.procPath)) return false;
    this.#makePath(containerId);
    this.#deps.mounts.mount({ source: namespace.procPath, target: path, flags: MS.BIND });
    return true;
  }

  /** Changes a running container's interfaces. @throws {TsdError} runtime_missing, runtime_failed */
  async change(containerId: string, batch: string): Promise<void> {
    const words = ["nsenter", `--net=${this.pathOf(containerId)}`, "--", "ip", "-batch", "-"];
    await this.#deps.run("change the container's network", words, batch);
  }

  /** Takes interfaces away by their names on the host's side, from whoever is in the namespace. @throws as `make` */
  async removeLinks(hostLinks: readonly string[]): Promise<void> {
    const present = hostLinks.filter((name) => interfaceIndex(name) !== undefined);
    if (present.length === 0) return;
    const batch = present.map(removalBatch).join("");
    await this.#deps.run("take the container's interfaces away", ["ip", "-batch", "-"], batch);
  }

  /** Lets go of a container's namespace, if there is one. */
  drop(containerId: string): void {
    const path = this.pathOf(containerId);
    try {
      // The name goes at once, the namespace with the last that uses it.
      this.#deps.mounts.umount2(path, MNT.DETACH);
    } catch (thrown) {
      if (!isErrno(thrown, "EINVAL", "ENOENT")) throw thrown;
    }
    removeIfExists(path);
  }

  /** Lets go of those that nobody wants. */
  async sweep(isRequested: (containerId: string) => boolean): Promise<void> {
    for (const id of await namesIn(this.#dir)) {
      if (isRequested(id)) continue;
      this.#deps.log.info("removed a network namespace that was left", { container: id });
      this.drop(id);
    }
  }

  /** An empty file to mount a namespace on. */
  #makePath(containerId: string): string {
    const path = this.pathOf(containerId);
    this.drop(containerId);
    Deno.mkdirSync(this.#dir, { recursive: true, mode: 0o710 });
    Deno.writeTextFileSync(path, "", { mode: 0o600 });
    return path;
  }

  get #dir(): string {
    return `${this.#deps.paths.runDir}/netns`;
  }
}

function isSameFile(path: string, other: string): boolean {
  try {
    const [one, two] = [path, other].map((each) => Deno.statSync(each));
    return one!.dev === two!.dev && one!.ino === two!.ino;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
