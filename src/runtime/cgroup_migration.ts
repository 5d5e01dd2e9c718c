/**
 * @module
 * Makes the kernel ready to move processes between control groups. All moves on a machine take one lock for writing
 * (`cgroup_threadgroup_rwsem`, kernel/cgroup/cgroup.c), and whoever takes it first after a while waits for an RCU grace
 * period, 8 to 20 ms; those that come within the next one don't (kernel/rcu/sync.c). A runtime gets there about 10 ms
 * after its start. A move that changes nothing, made meanwhile, has that time pass beside the runtime's other work.
 */
import type { Log } from "../log.ts";
import { readProcFile } from "../sys/mod.ts";

/** Files of the machine, as they are needed here; tests have others. */
export interface CgroupMigrationFiles {
  /** What a small file under /proc says; undefined: no such file. */
  read(path: string): string | undefined;
  /** Writes into an existing file on another thread, since this is what takes so long. */
  write(path: string, text: string): Promise<void>;
}

/** This machine's. */
export const CGROUP_MIGRATION_FILES: CgroupMigrationFiles = {
  read: readProcFile,
  write: (path, text) => Deno.writeTextFile(path, text, { create: false }),
};

/** Where cgroup v2 is mounted: alone, or beside the hierarchies of v1. */
const MOUNTS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/** See the module's comment. */
export class CgroupMigration {
  readonly #files: CgroupMigrationFiles;
  readonly #pid: number;
  readonly #log: Log;
  #mounts: readonly string[] = MOUNTS;
  #isInFlight = false;

  constructor(files: CgroupMigrationFiles, pid: number, log: Log) {
    this.#files = files;
    this.#pid = pid;
    this.#log = log;
  }

  /** Call it when a process is about to be moved. Returns at once; without cgroup v2 nothing happens. */
  expect(): void {
    if (this.#isInFlight || this.#mounts.length === 0) return;
    // Asked each time: the administrator may have put the engine elsewhere, and there it is to stay.
    const group = /^0::(\/.*)$/m.exec(this.#files.read("/proc/self/cgroup") ?? "")?.[1];
    if (group === undefined || group.startsWith("/..")) return;
    this.#isInFlight = true;
    void this.#stay(group).finally(() => this.#isInFlight = false);
  }

  /** Moves this process to where it is. */
  async #stay(group: string): Promise<void> {
    const [mount, ...others] = this.#mounts;
    try {
      await this.#files.write(`${mount}${group === "/" ? "" : group}/cgroup.procs`, String(this.#pid));
      this.#mounts = [mount!];
    } catch (thrown) {
      // Any other refusal comes after the wait, which is all that is wanted.
      if (!(thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied)) return;
      this.#mounts = others;
      this.#log.debug("starts may have to wait for a move between cgroups", { mount, error: String(thrown) });
    }
  }
}
