import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { SILENT_LOG } from "../../log.ts";
import { Epoll, files, poll } from "../../sys/mod.ts";
import { KernelNotices } from "./cgroup_notices.ts";

async function withNotices(body: (notices: KernelNotices, epoll: Epoll) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  await using epoll = new Epoll({ onHandlerError: (thrown) => failures.push(thrown) });
  void epoll.run();
  await body(new KernelNotices({ files, poll, epoll, log: SILENT_LOG }), epoll);
  assert.deepEqual(failures, []);
}

/** Returns the mount point of a cgroup file system, or undefined. */
function mountOf(pattern: RegExp): string | undefined {
  return Deno.readTextFileSync("/proc/self/mounts").split("\n").find((line) => pattern.test(line))?.split(" ")[1];
}

/** Creates an empty cgroup for a test, and removes it afterwards. */
async function withCgroup(mount: string, body: (path: string) => Promise<void>): Promise<void> {
  const path = `${mount}/tsd-test-${crypto.randomUUID()}`;
  await Deno.mkdir(path);
  try {
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

const within = (promise: Promise<void>, what: string): Promise<void> => {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(() => late.reject(new Error(`Waited 5 s for ${what}`)), 5000);
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
};

const v2 = mountOf(/^\S+ \S+ cgroup2 /);

Deno.test({
  name: "cgroup v2: each change of a file calls back",
  ...requires("root"),
  ignore: requires("root").ignore || v2 === undefined,
  async fn() {
    await withNotices((notices, epoll) =>
      withCgroup(v2!, async (path) => {
        let called = Promise.withResolvers<void>();
        const watch = notices.poll(`${path}/cgroup.events`, () => called.resolve());
        const child = new Deno.Command("sleep", { args: ["1000"] }).spawn();
        try {
          for (const dir of [path, v2!]) {
            await Deno.writeTextFile(`${dir}/cgroup.procs`, String(child.pid));
            await within(called.promise, "a notice");
            called = Promise.withResolvers<void>();
          }
        } finally {
          child.kill("SIGKILL");
          await child.status;
          watch[Symbol.dispose]();
        }
        assert.equal(epoll.size, 0);
      })
    );
  },
});

const v1 = mountOf(/^\S+ \S+ cgroup \S*\bmemory\b/);

Deno.test({
  name: "cgroup v1: the kernel calls back when the OOM killer runs",
  ...requires("root"),
  ignore: requires("root").ignore || v1 === undefined,
  async fn() {
    await withNotices((notices, epoll) =>
      withCgroup(v1!, async (path) => {
        await Deno.writeTextFile(`${path}/memory.limit_in_bytes`, String(8 << 20));
        const called = Promise.withResolvers<void>();
        using _watch = notices.eventfd(`${path}/memory.oom_control`, () => called.resolve());
        assert.equal(epoll.size, 1);
        const script = `echo $$ >${path}/cgroup.procs; exec tail /dev/zero`;
        const { signal } = await new Deno.Command("sh", { args: ["-c", script] }).output();
        assert.equal(signal, "SIGKILL");
        await within(called.promise, "a notice");
      })
    );
  },
});

Deno.test("a missing cgroup causes no notifications and leaves nothing open", async () => {
  await withNotices((notices, epoll) => {
    notices.eventfd("/nonexistent/memory.oom_control", () => undefined)[Symbol.dispose]();
    notices.poll("/nonexistent/memory.events", () => undefined)[Symbol.dispose]();
    assert.equal(epoll.size, 0);
    return Promise.resolve();
  });
});
