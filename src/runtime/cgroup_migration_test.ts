import { strict as assert } from "node:assert";
import { LineLog } from "../log.ts";
import { requires } from "../../tests/requires.ts";
import { CGROUP_MIGRATION_FILES, CgroupMigration, type CgroupMigrationFiles } from "./cgroup_migration.ts";

/** Files whose writes complete when the test calls `finish`. */
class SlowFiles implements CgroupMigrationFiles {
  groups = "3:cpuset:/\n0::/system.slice/tsd.service\n";
  readonly written: string[] = [];
  #writes: PromiseWithResolvers<void>[] = [];

  read(path: string): string | undefined {
    return path === "/proc/self/cgroup" ? this.groups : undefined;
  }

  write(path: string, text: string): Promise<void> {
    this.written.push(`${text} > ${path}`);
    const write = Promise.withResolvers<void>();
    this.#writes.push(write);
    return write.promise;
  }

  async finish(thrown?: Error): Promise<void> {
    const write = this.#writes.shift();
    if (thrown === undefined) write?.resolve();
    else write?.reject(thrown);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function setup() {
  const files = new SlowFiles();
  return { files, migration: new CgroupMigration(files, 42, new LineLog(() => {})) };
}

Deno.test("CgroupMigration migrates the engine to its current cgroup, one migration at a time", async () => {
  const { files, migration } = setup();
  migration.prepare();
  migration.prepare();
  assert.deepEqual(files.written, ["42 > /sys/fs/cgroup/system.slice/tsd.service/cgroup.procs"]);
  await files.finish();
  files.groups = "0::/elsewhere\n";
  migration.prepare();
  assert.equal(files.written[1], "42 > /sys/fs/cgroup/elsewhere/cgroup.procs");
});

Deno.test("CgroupMigration finds cgroup v2 in hybrid mode, and stops writing if there is no cgroup v2", async () => {
  const { files, migration } = setup();
  files.groups = "0::/\n";
  migration.prepare();
  await files.finish(new Deno.errors.NotFound());
  migration.prepare();
  assert.equal(files.written[1], "42 > /sys/fs/cgroup/unified/cgroup.procs");
  await files.finish(new Error("Device or resource busy (os error 16)"));
  migration.prepare();
  assert.equal(files.written[2], files.written[1], "other errors occur after the wait");
  await files.finish(new Deno.errors.PermissionDenied());
  migration.prepare();
  assert.equal(files.written.length, 3, "no cgroup v2 mount is left");
});

Deno.test("CgroupMigration does nothing without cgroup v2, or if the cgroup is outside the visible tree", () => {
  for (const groups of ["3:cpuset:/\n", "0::/../..\n"]) {
    const { files, migration } = setup();
    files.groups = groups;
    migration.prepare();
    assert.deepEqual(files.written, []);
  }
});

Deno.test({
  name: "CgroupMigration keeps this process in its cgroup",
  ...requires("root"),
  async fn() {
    const before = Deno.readTextFileSync("/proc/self/cgroup");
    const ended = Promise.withResolvers<void>();
    const write = async (path: string, text: string) => {
      try {
        await CGROUP_MIGRATION_FILES.write(path, text);
        ended.resolve();
      } catch (thrown) {
        if (path.includes("unified")) ended.reject(thrown);
        throw thrown;
      }
    };
    const migration = new CgroupMigration({ ...CGROUP_MIGRATION_FILES, write }, Deno.pid, new LineLog(() => {}));
    migration.prepare();
    const timer = setInterval(() => migration.prepare(), 10);
    await ended.promise.finally(() => clearInterval(timer));
    assert.equal(Deno.readTextFileSync("/proc/self/cgroup"), before);
  },
});
