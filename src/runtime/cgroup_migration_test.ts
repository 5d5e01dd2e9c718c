import { strict as assert } from "node:assert";
import { LineLog } from "../log.ts";
import { requires } from "../../tests/requires.ts";
import { CGROUP_MIGRATION_FILES, CgroupMigration, type CgroupMigrationFiles } from "./cgroup_migration.ts";

/** Files that are written when the test says so. */
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

function moves() {
  const files = new SlowFiles();
  return { files, moves: new CgroupMigration(files, 42, new LineLog(() => {})) };
}

Deno.test("cgroup moves: the engine is moved to where it is, one move at a time", async () => {
  const { files, moves: all } = moves();
  all.expect();
  all.expect();
  assert.deepEqual(files.written, ["42 > /sys/fs/cgroup/system.slice/tsd.service/cgroup.procs"]);
  await files.finish();
  files.groups = "0::/elsewhere\n";
  all.expect();
  assert.equal(files.written[1], "42 > /sys/fs/cgroup/elsewhere/cgroup.procs");
});

Deno.test("cgroup moves: v2 beside v1 is found, and nothing is written where none is", async () => {
  const { files, moves: all } = moves();
  files.groups = "0::/\n";
  all.expect();
  await files.finish(new Deno.errors.NotFound());
  all.expect();
  assert.equal(files.written[1], "42 > /sys/fs/cgroup/unified/cgroup.procs");
  await files.finish(new Error("Device or resource busy (os error 16)"));
  all.expect();
  assert.equal(files.written[2], files.written[1], "that it is refused comes after the wait");
  await files.finish(new Deno.errors.PermissionDenied());
  all.expect();
  assert.equal(files.written.length, 3, "neither is there");
});

Deno.test("cgroup moves: not without cgroup v2, and not out of what a container sees", () => {
  for (const groups of ["3:cpuset:/\n", "0::/../..\n"]) {
    const { files, moves: all } = moves();
    files.groups = groups;
    all.expect();
    assert.deepEqual(files.written, []);
  }
});

Deno.test({
  name: "cgroup moves: this process stays where it is",
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
    const all = new CgroupMigration({ ...CGROUP_MIGRATION_FILES, write }, Deno.pid, new LineLog(() => {}));
    all.expect();
    const timer = setInterval(() => all.expect(), 10);
    await ended.promise.finally(() => clearInterval(timer));
    assert.equal(Deno.readTextFileSync("/proc/self/cgroup"), before);
  },
});
