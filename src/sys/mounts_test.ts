import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import {
  attach,
  away,
  cString as c,
  files,
  FS_MAGIC,
  isErrno,
  metadata,
  MNT,
  MOUNT_ATTR,
  mounts,
  MS,
  newMount,
  O,
  OPEN_TREE,
  OwnedFd,
} from "./mod.ts";

const mountsBelow = (path: string) =>
  Deno.readTextFileSync("/proc/self/mountinfo").split("\n").filter((line) => line.split(" ")[4]?.startsWith(path));

/** Runs `body` in a temporary directory and unmounts every mount below it. */
function inScratch(body: (path: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const path = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
    try {
      await body(path);
    } finally {
      for (const line of mountsBelow(`${path}/`).reverse()) mounts.umount2(line.split(" ")[4], MNT.DETACH);
      Deno.removeSync(path, { recursive: true });
    }
  };
}

Deno.test({
  name: "newMount and attach: a tmpfs with options and attributes, attached by path and by descriptor",
  ...requires("root"),
  fn: inScratch((path) => {
    Deno.mkdirSync(`${path}/m`);
    const mount = newMount({ type: "tmpfs", options: [["size", "1m"]], attributes: MOUNT_ATTR.NOSUID });
    assert.equal(mountsBelow(`${path}/`).length, 0, "a detached mount is in no table");
    attach(mount, `${path}/m`);
    assert.match(mountsBelow(`${path}/`).join(), /nosuid.* tmpfs .*size=1024k/);
    assert.equal(metadata.statfs(c(`${path}/m`)).totalBytes, 1 << 20);
    assert.throws(() => mounts.umount2(`${path}/m`), (e) => isErrno(e, "EBUSY"), "its descriptor keeps it busy");
    mount.close();
    mounts.umount2(`${path}/m`);

    using target = new OwnedFd(files.open(c(`${path}/m`), O.PATH | O.DIRECTORY));
    using second = newMount({ type: "tmpfs", flags: ["ro"] });
    attach(second, target);
    assert.throws(() => Deno.writeTextFileSync(`${path}/m/x`, ""), { code: "EROFS" });
    mounts.umount2(`${path}/m`, MNT.DETACH | MNT.NOFOLLOW);
  }),
});

Deno.test({
  name: "umountBlocking unmounts, and does not fail if nothing is mounted",
  ...requires("root"),
  fn: inScratch(async (path) => {
    Deno.mkdirSync(`${path}/m`);
    mounts.mount({ target: `${path}/m`, type: "tmpfs" });
    await away.umountBlocking(`${path}/m`, MNT.NOFOLLOW);
    assert.deepEqual(mountsBelow(`${path}/`), []);
    await away.umountBlocking(`${path}/m`, MNT.NOFOLLOW);
  }),
});

Deno.test({
  name: "newMount: the message contains the kernel's log, and no descriptor stays open",
  ...requires("root"),
  fn() {
    const before = [...Deno.readDirSync("/proc/self/fd")].length;
    assert.throws(() => newMount({ type: "tmpfs", flags: ["nonsense"] }), {
      message: `fsconfig "nonsense": EINVAL (Invalid argument): tmpfs: Unknown parameter 'nonsense'`,
    });
    assert.throws(() => newMount({ type: "tmpfs", options: [["size", "9".repeat(256)]] }), /at most 255$/);
    assert.throws(() => newMount({ type: "no-such-fs" }), {
      message: 'fsopen "no-such-fs": ENODEV (No such device)',
    });
    assert.equal([...Deno.readDirSync("/proc/self/fd")].length, before);
  },
});

Deno.test({
  name: "newMount: overlay on detached layers passed as descriptors",
  ...requires("root", "overlay"),
  fn: inScratch((path) => {
    for (const dir of ["base", "m"]) Deno.mkdirSync(`${path}/${dir}`);
    using base = newMount({ type: "tmpfs" });
    attach(base, `${path}/base`);
    for (const dir of ["low", "low2", "up", "work"]) Deno.mkdirSync(`${path}/base/${dir}`);
    Deno.writeTextFileSync(`${path}/base/low/a`, "low");
    Deno.writeTextFileSync(`${path}/base/low2/a`, "low2");
    using low = new OwnedFd(mounts.openTree(-100, `${path}/base/low`, OPEN_TREE.CLONE));
    using low2 = new OwnedFd(mounts.openTree(-100, `${path}/base/low2`, OPEN_TREE.CLONE));
    const overlay = newMount({
      type: "overlay",
      options: [
        ["lowerdir+", low2],
        ["lowerdir+", low],
        ["upperdir", `${path}/base/up`],
        ["workdir", `${path}/base/work`],
      ],
    });
    attach(overlay, `${path}/m`);
    overlay.close();
    assert.equal(metadata.statfs(c(`${path}/m`)).magic, FS_MAGIC.OVERLAYFS);
    assert.equal(Deno.readTextFileSync(`${path}/m/a`), "low2");
    Deno.writeTextFileSync(`${path}/m/b`, "new");
    assert.equal(Deno.readTextFileSync(`${path}/base/up/b`), "new");
    mounts.umount2(`${path}/m`);
  }),
});

Deno.test({
  name: "mount(2): bind, remount read-only, errors name type and target",
  ...requires("root"),
  fn: inScratch((path) => {
    for (const dir of ["from", "to"]) Deno.mkdirSync(`${path}/${dir}`);
    Deno.writeTextFileSync(`${path}/from/f`, "x");
    mounts.mount({ source: `${path}/from`, target: `${path}/to`, flags: MS.BIND });
    mounts.mount({ target: `${path}/to`, flags: MS.BIND | MS.REMOUNT | MS.RDONLY });
    assert.equal(Deno.readTextFileSync(`${path}/to/f`), "x");
    assert.throws(() => Deno.writeTextFileSync(`${path}/to/f`, ""), { code: "EROFS" });
    mounts.umount2(`${path}/to`);
    assert.throws(() => mounts.umount2(`${path}/to`), (e) => isErrno(e, "EINVAL"));
    assert.throws(() => mounts.mount({ type: "tmpfs", target: `${path}/none` }), {
      message: `mount "tmpfs on ${path}/none": ENOENT (No such file or directory)`,
    });
  }),
});
