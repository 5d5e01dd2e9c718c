/**
 * @module
 * The cgroups of a container of which the runtime knows nothing any more, because its state was lost or cut off: what is
 * left in them is killed, and they are removed. Only for containers whose first process has ended.
 */
import { TsdError } from "../../errors.ts";
import { isErrno, OwnedFd, type ProcessCalls, SIG } from "../../sys/mod.ts";
import { isInCgroup } from "../../runtime/orphaned_process.ts";
import type { CgroupOf } from "../stats/cgroup.ts";
import { CGROUP_FILES, pidsBelow } from "../stats/cgroup_files.ts";

/** How long killed processes may take to end, in ms. */
const TIMEOUT_MS = 3000;
const POLL_MS = 10;

type Calls = Pick<ProcessCalls, "pidfdOpen" | "pidfdSendSignal">;

/** See the module's comment. */
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

  /** Mostly there are none, which one look tells. @throws {TsdError} timeout */
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
    // A frozen process doesn't end: cgroup version 1 and 2.
    CGROUP_FILES.writeSync(`${dir}/freezer.state`, "THAWED");
    CGROUP_FILES.writeSync(`${dir}/cgroup.freeze`, "0");
    for (const pid of await pidsBelow(CGROUP_FILES, dir)) {
      try {
        using pidFd = new OwnedFd(this.#calls.pidfdOpen(pid));
        // Asked after the opening: what is in it now is what the descriptor names.
        if (isInCgroup(pid, id)) this.#calls.pidfdSendSignal(pidFd.fd, SIG.KILL);
      } catch (thrown) {
        if (!isErrno(thrown, "ESRCH")) throw thrown;
      }
    }
  }
}

/** Where cgroup file systems are mounted. */
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

/** Removes a cgroup with those below it; false while there is something in them. */
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
