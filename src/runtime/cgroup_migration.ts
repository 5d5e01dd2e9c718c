/**
 * @module
 * Prepares the kernel for migrating processes between cgroups. All migrations on a machine take one lock for writing
 * (`cgroup_threadgroup_rwsem`, kernel/cgroup/cgroup.c). The first writer after a pause waits for an RCU grace period, 8
 * to 20 ms; writers within the next grace period don't wait (kernel/rcu/sync.c). A runtime migrates its process about
 * 10 ms after its own start. A migration that changes nothing, made at that start, lets the grace period pass in
 * parallel with the runtime's other work.
 */
import type { Log } from "../log.ts";
import { readProcFile } from "../sys/mod.ts";

/** Access to the files of /proc and cgroupfs. */
export interface CgroupMigrationFiles {
  /** Returns the contents of a small file under /proc; undefined if it doesn't exist. */
  read(path: string): string | undefined;
  /** Writes to an existing file on another thread, since this write is what blocks. */
  write(path: string, text: string): Promise<void>;
}

/** The files of this machine. */
export const CGROUP_MIGRATION_FILES: CgroupMigrationFiles = {
  read: readProcFile,
  write: (path, text) => Deno.writeTextFile(path, text, { create: false }),
};

/** Mount points of cgroup v2: alone, or beside the hierarchies of v1 (hybrid). */
const MOUNTS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/** Triggers migrations without effect, so that later ones don't wait for an RCU grace period. */
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

  /** Announces that a process is about to be migrated. Returns at once; does nothing without cgroup v2. */
  prepare(): void {
    if (this.#isInFlight || this.#mounts.length === 0) return;
    // Read each time: the administrator may have moved the engine to another cgroup, where it must stay.
    const group = /^0::(\/.*)$/m.exec(this.#files.read("/proc/self/cgroup") ?? "")?.[1];
    if (group === undefined || group.startsWith("/..")) return;
    this.#isInFlight = true;
    void this.#migrateToSame(group).finally(() => this.#isInFlight = false);
  }

  /** Migrates this process to the cgroup it is in. */
  async #migrateToSame(group: string): Promise<void> {
    const [mount, ...otherMounts] = this.#mounts;
    try {
      await this.#files.write(`${mount}${group === "/" ? "" : group}/cgroup.procs`, String(this.#pid));
      this.#mounts = [mount!];
    } catch (thrown) {
      // Any other error occurs after the wait, and the wait is all that is needed.
      if (!(thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied)) return;
      this.#mounts = otherMounts;
      this.#log.debug("starts may have to wait for a move between cgroups", { mount, error: String(thrown) });
    }
  }
}
