import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { AT, cString as c, durability, files, isErrno, metadata, O, OwnedFd, pipes, RESOLVE, tree } from "./mod.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (t: string) => new TextEncoder().encode(t);

/** A temporary directory for one test. */
function scratch(): { path: string; fd: number } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
  const directory = new OwnedFd(files.open(c(path), O.RDONLY | O.DIRECTORY));
  return {
    path,
    fd: directory.fd,
    [Symbol.dispose]() {
      directory.close();
      Deno.removeSync(path, { recursive: true });
    },
  };
}

Deno.test("files: create, write, read at offsets, truncate", () => {
  using dir = scratch();
  using file = new OwnedFd(files.openat(dir.fd, c("f"), O.RDWR | O.CREAT | O.EXCL, 0o600));
  assert.equal(files.write(file.fd, bytes("hello world")), 11);
  assert.equal(files.pwrite(file.fd, bytes("W"), 6), 1);
  const buffer = new Uint8Array(32);
  assert.equal(files.pread(file.fd, buffer, 6), 5);
  assert.equal(text(buffer.subarray(0, 5)), "World");
  durability.ftruncate(file.fd, 5);
  durability.fsync(file.fd);
  durability.fdatasync(file.fd);
  durability.syncfs(file.fd);
  assert.equal(Deno.readTextFileSync(`${dir.path}/f`), "hello");
  assert.equal(files.read(file.fd, buffer), 0);
});

Deno.test("files: nextData skips holes", () => {
  using dir = scratch();
  using file = new OwnedFd(files.openat(dir.fd, c("f"), O.RDWR | O.CREAT | O.EXCL, 0o600));
  assert.equal(durability.nextData(file.fd, 0), undefined);
  files.pwrite(file.fd, bytes("x"), 1 << 20);
  durability.ftruncate(file.fd, 2 << 20);
  const found = durability.nextData(file.fd, 0)!;
  assert.ok(found.start <= 1 << 20 && found.end > 1 << 20 && found.end <= 2 << 20, JSON.stringify(found));
  // A file system without support for holes reports the whole file as data.
  if (found.end < 2 << 20) assert.equal(durability.nextData(file.fd, found.end), undefined);
});

Deno.test("files: a view into the middle of a buffer is read and written in place", () => {
  using dir = scratch();
  Deno.writeTextFileSync(`${dir.path}/f`, "abc");
  using file = new OwnedFd(files.openat(dir.fd, c("f"), O.RDONLY));
  const whole = new Uint8Array(6).fill(0x2e);
  assert.equal(files.read(file.fd, whole.subarray(2, 4)), 2);
  assert.equal(text(whole), "..ab..");
});

Deno.test("files: errors name the path; O_CLOEXEC is always set", () => {
  using dir = scratch();
  assert.throws(() => files.openat(dir.fd, c("none"), O.RDONLY), {
    message: 'openat "none": ENOENT (No such file or directory)',
  });
  assert.throws(() => files.open(c(`${dir.path}/none`), O.RDONLY), (e) => isErrno(e, "ENOENT"));
  assert.throws(() => files.close(100_000), { message: 'close "fd 100000": EBADF (Bad file descriptor)' });
  const flags = /flags:\s*(\d+)/.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${dir.fd}`))?.[1];
  assert.equal(parseInt(flags ?? "0", 8) & O.CLOEXEC, O.CLOEXEC);
});

Deno.test('files: a full or empty non-blocking pipe returns "again", a closed reader causes EPIPE', () => {
  const { readFd, writeFd } = pipes.pipe2(O.NONBLOCK);
  using reader = new OwnedFd(readFd);
  using writer = new OwnedFd(writeFd);
  assert.equal(files.read(reader.fd, new Uint8Array(8)), "again");
  const block = new Uint8Array(65536);
  let written: number | "again" = 0;
  for (let i = 0; i < 100 && written !== "again"; i++) written = files.write(writer.fd, block);
  assert.equal(written, "again");
  reader.close();
  assert.throws(() => files.write(writer.fd, block), (e) => isErrno(e, "EPIPE"));
});

Deno.test("openat2: a path that leads outside the root is confined to it or rejected", () => {
  using dir = scratch();
  Deno.mkdirSync(`${dir.path}/root/etc`, { recursive: true });
  Deno.writeTextFileSync(`${dir.path}/root/etc/passwd`, "inside");
  Deno.writeTextFileSync(`${dir.path}/secret`, "outside");
  Deno.symlinkSync("/etc/passwd", `${dir.path}/root/evil`);
  Deno.symlinkSync("../../../../../../../etc", `${dir.path}/root/up`);
  Deno.symlinkSync("/proc/self/root/etc/passwd", `${dir.path}/root/etc/magic`);
  using root = new OwnedFd(files.openat(dir.fd, c("root"), O.PATH | O.DIRECTORY));
  const contentOf = (path: string, resolve: number) => {
    using file = new OwnedFd(files.openat2(root.fd, c(path), { flags: O.RDONLY, resolve }));
    const buffer = new Uint8Array(64);
    return text(buffer.subarray(0, Number(files.read(file.fd, buffer))));
  };
  for (const path of ["evil", "up/passwd", "../../etc/passwd", "/etc/passwd"]) {
    assert.equal(contentOf(path, RESOLVE.IN_ROOT), "inside", path);
  }
  assert.throws(() => contentOf("../secret", RESOLVE.IN_ROOT), (e) => isErrno(e, "ENOENT"));
  assert.throws(() => contentOf("etc/magic", RESOLVE.IN_ROOT), (e) => isErrno(e, "ENOENT"));
  for (const path of ["evil", "up/passwd", "../secret", "/etc/passwd"]) {
    assert.throws(() => contentOf(path, RESOLVE.BENEATH), (e) => isErrno(e, "EXDEV"), path);
  }
  assert.throws(() => contentOf("evil", RESOLVE.IN_ROOT | RESOLVE.NO_SYMLINKS), (e) => isErrno(e, "ELOOP"));
  assert.equal(contentOf("etc/passwd", RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS), "inside");
});

Deno.test("openat2: NO_MAGICLINKS rejects a jump through /proc/self/fd", () => {
  using dir = scratch();
  using proc = new OwnedFd(files.open(c("/proc/self/fd"), O.RDONLY | O.DIRECTORY));
  const how = { flags: O.PATH, resolve: RESOLVE.NO_MAGICLINKS };
  assert.throws(() => files.openat2(proc.fd, c(`${dir.fd}`), how), (e) => isErrno(e, "ELOOP"));
});

Deno.test("openat2 creates a file with the requested mode, less the umask", () => {
  using dir = scratch();
  using file = new OwnedFd(files.openat2(dir.fd, c("f"), {
    flags: O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW,
    mode: 0o700,
    resolve: RESOLVE.BENEATH,
  }));
  assert.equal(metadata.statx(file.fd, c(""), AT.EMPTY_PATH).mode & 0o777, 0o700);
});

Deno.test("copyFileRange copies a range and does not move the file offsets", () => {
  using dir = scratch();
  Deno.writeTextFileSync(`${dir.path}/from`, "0123456789");
  using from = new OwnedFd(files.openat(dir.fd, c("from"), O.RDONLY));
  using to = new OwnedFd(files.openat(dir.fd, c("to"), O.RDWR | O.CREAT, 0o600));
  const range = { fromFd: from.fd, fromOffset: 3, toFd: to.fd, toOffset: 1, sizeBytes: 4 };
  assert.equal(durability.copyFileRange(range), 4);
  assert.equal(durability.copyFileRange({ ...range, fromOffset: 10 }), 0);
  assert.equal(Deno.readTextFileSync(`${dir.path}/to`), "\u00003456");
  const buffer = new Uint8Array(2);
  files.read(from.fd, buffer);
  assert.equal(text(buffer), "01");
});

Deno.test("OwnedFd closes its descriptor once, and not after take", () => {
  using dir = scratch();
  let taken: number;
  {
    using file = new OwnedFd(files.openat(dir.fd, c("f"), O.WRONLY | O.CREAT, 0o600));
    assert.equal(Deno.readLinkSync(file.procPath), `${dir.path}/f`);
    taken = file.take();
    assert.ok(file.closed);
    assert.throws(() => file.fd);
  }
  assert.equal(files.write(taken, bytes("x")), 1);
  const again = new OwnedFd(taken);
  again.close();
  again.close();
  assert.throws(() => files.write(taken, bytes("x")), (e) => isErrno(e, "EBADF"));
  tree.unlinkat(dir.fd, c("f"));
});
