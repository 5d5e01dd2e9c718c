import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { AT, cString as c, files, FS_MAGIC, isErrno, metadata, O, OwnedFd, S, XATTR, xattrs } from "./mod.ts";

function inScratch(body: (fd: number, path: string) => void): () => void {
  return () => {
    const path = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
    Deno.writeTextFileSync(`${path}/f`, "12345");
    Deno.symlinkSync("f", `${path}/s`);
    try {
      using dir = new OwnedFd(files.open(c(path), O.RDONLY | O.DIRECTORY));
      body(dir.fd, path);
    } finally {
      Deno.removeSync(path, { recursive: true });
    }
  };
}

const bytes = (t: string) => new TextEncoder().encode(t);

Deno.test(
  "statx agrees with Deno",
  inScratch((fd, path) => {
    const [status, info] = [metadata.statx(fd, c("f")), Deno.statSync(`${path}/f`)];
    assert.equal(status.mode, info.mode);
    assert.equal(status.uid, info.uid);
    assert.equal(status.gid, info.gid);
    assert.equal(status.sizeBytes, 5);
    assert.equal(status.blocks, info.blocks);
    assert.equal(status.linkCount, 1);
    assert.equal(Number(status.inode), info.ino);
    assert.equal(Math.floor(Number(status.modifyTime.seconds)), Math.floor(info.mtime!.getTime() / 1000));
    assert.equal(metadata.statx(fd, c("s")).mode & S.IFMT, S.IFREG);
    assert.equal(metadata.statx(fd, c("s"), AT.SYMLINK_NOFOLLOW).mode & S.IFMT, S.IFLNK);
    assert.equal(metadata.statx(fd, c(""), AT.EMPTY_PATH).mode & S.IFMT, S.IFDIR);
    assert.throws(() => metadata.statx(fd, c("none")), (e) => isErrno(e, "ENOENT"));
  }),
);

Deno.test("statx returns device numbers", () => {
  const zero = metadata.statx(AT.FDCWD, c("/dev/null"));
  assert.deepEqual(zero.nodeDevice, { major: 1, minor: 3 });
});

Deno.test(
  "times have nanoseconds, also before 1970 and after 2038",
  inScratch((fd) => {
    const old = { seconds: -2n, nanoseconds: 999_999_999 };
    const late = { seconds: 5_000_000_000n, nanoseconds: 1 };
    metadata.utimensat(fd, c("f"), old, late);
    const first = metadata.statx(fd, c("f"));
    assert.deepEqual([first.accessTime, first.modifyTime], [old, late]);
    using file = new OwnedFd(files.openat(fd, c("f"), O.RDWR));
    metadata.futimens(file.fd, "omit", "now");
    const second = metadata.statx(fd, c("f"));
    assert.deepEqual(second.accessTime, old);
    assert.ok(Math.abs(Number(second.modifyTime.seconds) - Date.now() / 1000) < 5);
  }),
);

Deno.test(
  "the time of a symbolic link is set without following it",
  inScratch((fd) => {
    const before = metadata.statx(fd, c("f")).modifyTime;
    metadata.utimensat(fd, c("s"), "omit", { seconds: 1n, nanoseconds: 2 }, AT.SYMLINK_NOFOLLOW);
    assert.deepEqual(metadata.statx(fd, c("s"), AT.SYMLINK_NOFOLLOW).modifyTime, { seconds: 1n, nanoseconds: 2 });
    assert.deepEqual(metadata.statx(fd, c("f")).modifyTime, before);
  }),
);

Deno.test({
  name: "owner and mode, with the special bits",
  ...requires("root"),
  fn: inScratch((fd) => {
    using file = new OwnedFd(files.openat(fd, c("f"), O.RDWR));
    metadata.fchown(file.fd, 70_000, 4_000_000_000);
    metadata.fchmod(file.fd, 0o6755);
    const first = metadata.statx(fd, c("f"));
    assert.deepEqual([first.uid, first.gid, first.mode & 0o7777], [70_000, 4_000_000_000, 0o6755]);
    metadata.fchownat(fd, c("s"), 12, 34, AT.SYMLINK_NOFOLLOW);
    assert.equal(metadata.statx(fd, c("s"), AT.SYMLINK_NOFOLLOW).uid, 12);
    assert.equal(metadata.statx(fd, c("f")).uid, 70_000);
    metadata.fchmodat(fd, c("f"), 0o1600);
    assert.equal(metadata.statx(fd, c("f")).mode & 0o7777, 0o1600);
    assert.throws(() => metadata.fchmodat(fd, c("s"), 0o600, AT.SYMLINK_NOFOLLOW), (e) => isErrno(e, "EOPNOTSUPP"));
  }),
});

Deno.test("statfs returns the type and size of a file system", () => {
  const shm = metadata.statfs(c("/dev/shm"));
  assert.equal(shm.magic, FS_MAGIC.TMPFS);
  assert.ok(shm.totalBytes >= shm.availableBytes && shm.totalBytes > 0);
  assert.throws(() => metadata.statfs(c("/none")), (e) => isErrno(e, "ENOENT"));
});

Deno.test({
  name: "xattrs by descriptor and by path; large values; undefined for an absent one",
  ...requires("root"),
  fn: inScratch((fd, path) => {
    using file = new OwnedFd(files.openat(fd, c("f"), O.RDWR));
    const large = new Uint8Array(2000).fill(7);
    xattrs.fsetxattr(file.fd, c("user.a"), bytes("1"), XATTR.CREATE);
    xattrs.fsetxattr(file.fd, c("user.b"), large);
    assert.throws(() => xattrs.fsetxattr(file.fd, c("user.a"), large, XATTR.CREATE), (e) => isErrno(e, "EEXIST"));
    assert.deepEqual(xattrs.flistxattr(file.fd).sort(), ["user.a", "user.b"]);
    assert.deepEqual(xattrs.fgetxattr(file.fd, c("user.b")), large);
    assert.equal(xattrs.fgetxattr(file.fd, c("user.none")), undefined);
    xattrs.fremovexattr(file.fd, c("user.a"));
    assert.deepEqual(xattrs.llistxattr(c(`${path}/f`)), ["user.b"]);
    // A symbolic link can't be opened: its path goes through its directory's descriptor.
    const link = c(`/proc/self/fd/${fd}/s`);
    xattrs.lsetxattr(link, c("trusted.tsd"), new Uint8Array(0));
    assert.deepEqual(xattrs.llistxattr(link), ["trusted.tsd"]);
    assert.equal(xattrs.lgetxattr(link, c("trusted.tsd"))?.length, 0);
    xattrs.lremovexattr(link, c("trusted.tsd"));
    assert.deepEqual(xattrs.llistxattr(link), []);
    assert.throws(() => xattrs.lremovexattr(link, c("trusted.tsd")), (e) => isErrno(e, "ENODATA"));
  }),
});
