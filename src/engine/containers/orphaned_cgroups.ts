/**
 * @module
 * Removes the cgroups of containers that the runtime no longer knows, because its state was lost or truncated, and
 * kills the processes in them. Only for containers whose init process has exited.
 */
import { TsdError } from "../../errors.ts";
import { isErrno, OwnedFd, type ProcessCalls, SIG } from "../../sys/mod.ts";
import { isInCgroup } from "../../runtime/orphaned_process.ts";
import type { CgroupOf } from "../stats/cgroup.ts";
import { CGROUP_FILES, pidsBelow } from "../stats/cgroup_files.ts";

/** How long killed processes may take to exit, in ms. */
const TIMEOUT_MS = 3000;
const POLL_MS = 10;

type Calls = Pick<ProcessCalls, "pidfdOpen" | "pidfdSendSignal">;

/** Removes orphaned cgroups of containers. */
export class OrphanedCgroups {
  readonly #cgroupOf: CgroupOf;
  readonly #calls: Calls;
  readonly #hierarchies: () => Promise<readonly string[]>;
  #known: Promise<readonly string[]> | undefined;

  constructor(cgroupOf: CgroupOf, calls: Calls, hierarchies = cgroupMounts) {
    this.#cgroupOf = cgroupOf;
    this.#calls = calls;
    this.#hierarchies = hierarchies;
  }

  /**
   * Kills the processes in a container's cgroups, and removes those. Usually there are none, which costs one lookup.
   * @throws {TsdError} timeout
   */
  async remove(id: string): Promise<void> {
    const dirs = (await (this.#known ??= this.#hierarchies())).map((mount) => `${mount}/${this.#cgroupOf(id)}`);
    if (dirs[0] === undefined || !await exists(dirs[0])) return;
    for (const deadline = Date.now() + TIMEOUT_MS;;) {
      for (const dir of dirs) await this.#kill(dir, id);
      const left = (await Promise.all(dirs.map(removeBelow))).includes(false);
      if (!left) return;
      if (Date.now() > deadline) {
        throw new TsdError("timeout", `Cannot remove the cgroups of container ${id}: processes in them don't end`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #kill(dir: string, id: string): Promise<void> {
    // A frozen process can't exit. Thawed in cgroup v1 and v2.
    CGROUP_FILES.writeSync(`${dir}/freezer.state`, "THAWED");
    CGROUP_FILES.writeSync(`${dir}/cgroup.freeze`, "0");
    for (const pid of await pidsBelow(CGROUP_FILES, dir)) {
      try {
        using pidFd = new OwnedFd(this.#calls.pidfdOpen(pid));
        // Checked after opening: if the pid is in the cgroup now, the descriptor names that process.
        if (isInCgroup(pid, id)) this.#calls.pidfdSendSignal(pidFd.fd, SIG.KILL);
      } catch (thrown) {
        if (!isErrno(thrown, "ESRCH")) throw thrown;
      }
    }
  }
}

/** Returns where cgroup filesystems are mounted. */
async function cgroupMounts(): Promise<readonly string[]> {
  const lines = (await Deno.readTextFile("/proc/self/mounts")).split("\n").map((line) => line.split(" "));
  return lines.filter(([, , type]) => type === "cgroup" || type === "cgroup2").map(([, target]) => target!);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Removes a cgroup and those below it. Returns false if there are processes in them. */
async function removeBelow(dir: string): Promise<boolean> {
  for (const name of await CGROUP_FILES.dirs(dir)) {
    if (!await removeBelow(`${dir}/${name}`)) return false;
  }
  try {
    await Deno.remove(dir);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return true;
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EBUSY") return false;
    throw thrown;
  }
}
