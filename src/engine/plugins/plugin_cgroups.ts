/**
 * @module
 * Limits for all the memory of a plugin's process, by a cgroup of its own below the engine's. A machine without the memory
 * controller limits the JavaScript heap only.
 */
import type { Log } from "../../log.ts";
import type { EnginePaths } from "../paths.ts";
import type { PluginCgroups } from "./plugin_starter.ts";

const MIB = 1 << 20;
/** How long killed processes may take to end, in ms. */
const TIMEOUT_MS = 1000;
const POLL_MS = 5;

/** A place where memory can be limited. */
interface MemoryMount {
  readonly path: string;
  /** Name of the file that takes the limit, in bytes. */
  readonly limitFile: "memory.limit_in_bytes" | "memory.max";
}

/** See the module's comment. */
export class MemoryCgroups implements PluginCgroups {
  readonly #base: string;
  readonly #log: Log;
  readonly #mounts: () => string;
  /** Null: not looked for yet. */
  #mount: MemoryMount | undefined | null = null;

  /** @param mounts the text of /proc/self/mounts */
  constructor(
    { cgroup }: Pick<EnginePaths, "cgroup">,
    log: Log,
    mounts = () => Deno.readTextFileSync("/proc/self/mounts"),
  ) {
    this.#base = `${cgroup}-plugins`;
    this.#log = log;
    this.#mounts = mounts;
  }

  confine(name: string, pid: number, memoryMb: number): void {
    const mount = this.#mounted();
    if (mount === undefined) return;
    const dir = this.#dir(mount, name);
    try {
      Deno.mkdirSync(dir, { recursive: true });
      if (mount.limitFile === "memory.max") allowMemory(mount.path, this.#base);
      Deno.writeTextFileSync(`${dir}/${mount.limitFile}`, String(memoryMb * MIB), { create: false });
      Deno.writeTextFileSync(`${dir}/cgroup.procs`, String(pid), { create: false });
    } catch (thrown) {
      this.#log.warn("a plugin's memory is limited by its heap only", { plugin: name, error: String(thrown) });
    }
  }

  /** Ends what a killed engine has left. */
  async clear(kill: (pid: number) => void): Promise<void> {
    const mount = this.#mounted();
    if (mount === undefined) return;
    const names = dirsIn(`${mount.path}/${this.#base}`).map((dir) => dir.slice("p-".length));
    const pids = () =>
      names.flatMap((name) => Deno.readTextFileSync(`${this.#dir(mount, name)}/cgroup.procs`).split("\n"))
        .filter((pid) => pid !== "");
    pids().map(Number).forEach(kill);
    for (const deadline = Date.now() + TIMEOUT_MS; pids().length > 0 && Date.now() < deadline;) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    for (const name of names) this.release(name);
  }

  release(name: string): void {
    const mount = this.#mounted();
    if (mount === undefined) return;
    for (const dir of [this.#dir(mount, name), `${mount.path}/${this.#base}`]) {
      try {
        Deno.removeSync(dir);
      } catch (thrown) {
        // The engine's folder for all of them goes with the last one.
        const isBusy = thrown instanceof Error && "code" in thrown &&
          (thrown.code === "EBUSY" || thrown.code === "ENOTEMPTY");
        if (!isBusy && !(thrown instanceof Deno.errors.NotFound)) {
          this.#log.warn("a plugin's cgroup stays", { plugin: name, error: String(thrown) });
        }
      }
    }
  }

  #mounted(): MemoryMount | undefined {
    return this.#mount === null ? this.#mount = memoryMount(this.#mounts()) : this.#mount;
  }

  #dir({ path }: MemoryMount, name: string): string {
    // Behind a letter: a name may be that of a file in every cgroup.
    return `${path}/${this.#base}/p-${name}`;
  }
}

function dirsIn(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

/** The controller is handed down folder by folder (admin-guide/cgroup-v2, "Top-down Constraint"). */
function allowMemory(mount: string, base: string): void {
  for (const dir of [mount, `${mount}/${base}`]) {
    Deno.writeTextFileSync(`${dir}/cgroup.subtree_control`, "+memory", { create: false });
  }
}

/** Version 1's own hierarchy where there is one, else version 2. */
function memoryMount(mounts: string): MemoryMount | undefined {
  const found = mounts.split("\n").map((line) => line.split(" "));
  const v1 = found.find(([, , type, options]) => type === "cgroup" && options!.split(",").includes("memory"));
  if (v1 !== undefined) return { path: v1[1]!, limitFile: "memory.limit_in_bytes" };
  const v2 = found.find(([, path, type]) => type === "cgroup2" && path === "/sys/fs/cgroup");
  return v2 && { path: v2[1]!, limitFile: "memory.max" };
}
