import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { inDir, make } from "../../archive/archive_testing.ts";
import type { TreeView } from "../../archive/mod.ts";
import { isErrno, mounts, MS, processStartTime } from "../../sys/mod.ts";
import type { ViewMount, ViewSpec } from "./protocol.ts";
import { openContainerRootfs } from "./container_rootfs.ts";

const mount = (target: string, source?: string, more: Partial<ViewMount> = {}): ViewMount => (
  { target, source, isOwn: false, recursive: true, readOnly: false, ...more }
);

function textAt(view: TreeView, path: string): string {
  try {
    using place = view.resolve(path);
    return Deno.readTextFileSync(place.handle.procPath);
  } catch (thrown) {
    if (isErrno(thrown)) return thrown.errnoName;
    throw thrown;
  }
}

function withTree(spec: Partial<ViewSpec> & Pick<ViewSpec, "root">, use: (view: TreeView) => void): void {
  using view = openContainerRootfs({ readOnly: false, mounts: [], ...spec });
  use(view);
}

Deno.test(
  "tree: the sources of a stopped container appear at their targets; missing mount points are created",
  inDir((dir) => {
    make(dir, {
      "root/etc/hosts": "image's",
      "root/run/x": "",
      "root/var": { to: "run" },
      "data/f": "data",
      "data/sub/under": "hidden",
      "inner/g": "inner",
      "hosts": "engine's",
    });
    const mounted = [
      mount("/data", `${dir}/data`),
      mount("/var/vol", `${dir}/inner`, { readOnly: true }),
      mount("/etc/hosts", `${dir}/hosts`, { isOwn: true }),
      mount("/etc/new/file", `${dir}/hosts`),
      mount("/tmpfs"),
      mount("/absent", `${dir}/absent`),
      mount("/data/sub", `${dir}/inner`),
    ];
    withTree({ root: `${dir}/root`, mounts: mounted }, (view) => {
      const texts = {
        "/data/f": "data",
        "/data/sub/g": "inner",
        "/data/sub/under": "ENOENT",
        "/run/vol/g": "inner",
        "/var/vol/g": "inner",
        "/etc/hosts": "engine's",
        "/etc/new/file": "engine's",
        "/tmpfs": "ENOENT",
        "/absent": "ENOENT",
      };
      for (const [path, text] of Object.entries(texts)) assert.equal(textAt(view, path), text, path);
      using volume = view.resolve("/var/vol");
      assert.deepEqual([volume.path, volume.mount.readOnly], ["/run/vol", true]);
    });
    assert.deepEqual([...Deno.readDirSync(`${dir}/root/etc`)].map(({ name }) => name).sort(), ["hosts", "new"]);
    assert.equal(Deno.readTextFileSync(`${dir}/root/etc/new/file`), "", "a place, as a start would make it");
  }),
);

Deno.test(
  "tree: mount points are created inside the root, whatever links say",
  inDir((dir) => {
    make(dir, { "root/a": { to: "../../../../outside" }, "outside/f": "", "data/f": "x" });
    withTree({ root: `${dir}/root`, mounts: [mount("/a/b", `${dir}/data`)] }, (view) => {
      assert.equal(textAt(view, "/outside/b/f"), "x");
    });
    assert.deepEqual([...Deno.readDirSync(`${dir}/outside`)].map(({ name }) => name), ["f"]);
  }),
);

Deno.test(
  "tree: a subpath is resolved in its source; one that leads outside closes its target",
  inDir((dir) => {
    make(dir, {
      "root/out/f": "image's",
      "data/sub/f": "data",
      "data/in": { to: "sub" },
      "data/up": { to: "../outside" },
      "data/root": { to: "/" },
      "outside/f": "outside",
    });
    const source = `${dir}/data`;
    const mounted = [
      mount("/in", source, { subpath: "in" }),
      mount("/out", source, { subpath: "up" }),
      mount("/new", source, { subpath: "root" }),
      mount("/none", source, { subpath: "none" }),
    ];
    withTree({ root: `${dir}/root`, mounts: mounted }, (view) => {
      assert.equal(textAt(view, "/in/f"), "data");
      assert.equal(textAt(view, "/none/f"), "ENOENT");
      const refused = { code: "invalid_argument", message: /^path concatenation escapes the base directory/ };
      for (const path of ["/out/f", "/out", "/new/etc/passwd"]) assert.throws(() => textAt(view, path), refused);
    });
  }),
);

const privileged = requires("root");

Deno.test({
  name: "tree: a non-recursive mount excludes the mounts below its source",
  ...privileged,
  fn: inDir((dir) => {
    make(dir, { "root/x": "", "data/sub/under": "under", "other/f": "over" });
    mounts.mount({ source: `${dir}/other`, target: `${dir}/data/sub`, flags: MS.BIND });
    try {
      const both = [mount("/all", `${dir}/data`), mount("/one", `${dir}/data`, { recursive: false })];
      withTree({ root: `${dir}/root`, mounts: both }, (view) => {
        assert.deepEqual([textAt(view, "/all/sub/f"), textAt(view, "/one/sub/f")], ["over", "ENOENT"]);
        assert.equal(textAt(view, "/one/sub/under"), "under");
      });
    } finally {
      mounts.umount2(`${dir}/data/sub`);
    }
  }),
});

/** A process with mounts in `root`, in a mount namespace of its own, like a container. */
async function withProcess(
  root: string,
  { before, command }: { before: string; command: string },
  use: (process: { pid: number; startTicks: string }) => void | Promise<void>,
): Promise<void> {
  await Deno.copyFile("/bin/busybox", `${root}/busybox`);
  const script = `${before}\nexec chroot "$0" /busybox sh -c 'echo up; ${command}'`;
  const child = new Deno.Command("unshare", {
    args: ["--mount", "--propagation", "private", "sh", "-euc", script, root],
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  try {
    await output.read();
    await use({ pid: child.pid, startTicks: String(processStartTime(child.pid)) });
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await output.cancel();
  }
}

Deno.test({
  name: "tree: a running container's actual mounts are used, not what their source paths lead to by now",
  ...privileged,
  fn: inDir(async (dir) => {
    make(dir, {
      "root/vol/under": "hidden",
      "root/tmp/under": "hidden",
      "volume/f": "mounted",
      "secret/f": "the host's",
      "root/dev/x": "",
      "hosts": "engine's",
      "root/etc/hosts": "image's",
    });
    const before = `mount --bind ${dir}/volume "$0/vol"; mount -t tmpfs none "$0/tmp"; echo t >"$0/tmp/f"` +
      `\nmount -t tmpfs none "$0/dev"; mkdir "$0/dev/shm"; echo s >"$0/dev/shm/f"`;
    await withProcess(`${dir}/root`, { before, command: "/busybox sleep 1000" }, (process) => {
      Deno.renameSync(`${dir}/volume`, `${dir}/moved`);
      Deno.symlinkSync(`${dir}/secret`, `${dir}/volume`);
      const mounted = [
        mount("/vol", `${dir}/volume`),
        mount("/tmp"),
        mount("/etc/hosts", `${dir}/hosts`, { isOwn: true }),
        mount("/dev/shm"),
      ];
      withTree({ root: `${dir}/root`, mounts: mounted, process }, (view) => {
        const texts = {
          "/vol/f": "mounted",
          "/vol/under": "ENOENT",
          "/tmp/f": "t\n",
          "/etc/hosts": "engine's",
          "/dev/shm/f": "s\n",
          "/dev/x": "",
        };
        for (const [path, text] of Object.entries(texts)) assert.equal(textAt(view, path), text, path);
      });
      const wrong = { ...process, startTicks: "1" };
      assert.throws(() => withTree({ root: `${dir}/root`, mounts: mounted, process: wrong }, () => {}), {
        code: "conflict",
        message: "The container ended while it was being looked into",
      });
    });
  }),
});

Deno.test({
  name: "tree: mounts can't be reached through a process that has changed its root",
  ...privileged,
  fn: inDir(async (dir) => {
    make(dir, { "root/vol/under": "", "root/jail/vol/f": "in jail", "volume/f": "mounted", "root/f": "free" });
    await Deno.copyFile("/bin/busybox", `${dir}/root/jail/busybox`);
    const before = `mount --bind ${dir}/volume "$0/vol"`;
    const command = 'exec /busybox chroot /jail /busybox sh -c "echo jailed; exec /busybox sleep 1000"';
    await withProcess(`${dir}/root`, { before, command }, async (process) => {
      const isJailed = () => Deno.readLinkSync(`/proc/${process.pid}/root`).endsWith("/jail");
      while (!isJailed()) await new Promise((resolve) => setTimeout(resolve, 5));
      withTree({ root: `${dir}/root`, mounts: [mount("/vol", `${dir}/volume`)], process }, (view) => {
        assert.equal(textAt(view, "/f"), "free");
        assert.throws(() => textAt(view, "/vol/f"), {
          code: "conflict",
          message:
            /^Cannot reach the mount \/vol of the container: its first process has made another folder its root$/,
        });
      });
    });
  }),
});
