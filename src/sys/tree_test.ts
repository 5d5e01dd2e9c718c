import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { AT, cBytes, cString as c, files, isErrno, makeDevice, metadata, O, OwnedFd, RENAME, S, tree } from "./mod.ts";

function inScratch(body: (fd: number, path: string) => void): () => void {
  return () => {
    const path = Deno.makeTempDirSync({ prefix: "tsd-sys-" });
    try {
      using dir = new OwnedFd(files.open(c(path), O.RDONLY | O.DIRECTORY));
      body(dir.fd, path);
    } finally {
      Deno.removeSync(path, { recursive: true });
    }
  };
}

const modeOf = (fd: number, name: string) => metadata.statx(fd, c(name), AT.SYMLINK_NOFOLLOW).mode;

Deno.test(
  "tree: directories, links, FIFOs, removal",
  inScratch((fd, path) => {
    tree.mkdirat(fd, c("d"), 0o700);
    tree.symlinkat(c("../nowhere"), fd, c("s"));
    tree.mkfifoat(fd, c("p"), 0o600);
    Deno.writeTextFileSync(`${path}/f`, "x");
    tree.linkat(fd, c("f"), fd, c("d/g"));
    assert.equal(modeOf(fd, "d"), S.IFDIR | 0o700);
    assert.equal(modeOf(fd, "p"), S.IFIFO | 0o600);
    assert.equal(modeOf(fd, "s") & S.IFMT, S.IFLNK);
    assert.equal(metadata.statx(fd, c("d/g")).linkCount, 2);
    assert.equal(new TextDecoder().decode(tree.readlinkat(fd, c("s"))), "../nowhere");
    tree.linkat(fd, c("s"), fd, c("s2"));
    assert.equal(modeOf(fd, "s2") & S.IFMT, S.IFLNK, "a hard link to a symbolic link is not followed");
    assert.throws(() => tree.unlinkat(fd, c("d"), AT.REMOVEDIR), (e) => isErrno(e, "ENOTEMPTY"));
    tree.unlinkat(fd, c("d/g"));
    tree.unlinkat(fd, c("d"), AT.REMOVEDIR);
    assert.throws(() => tree.mkdirat(fd, c("f"), 0o700), { message: 'mkdirat "f": EEXIST (File exists)' });
  }),
);

Deno.test(
  "tree: rename refuses, replaces or exchanges",
  inScratch((fd, path) => {
    Deno.writeTextFileSync(`${path}/a`, "a");
    Deno.writeTextFileSync(`${path}/b`, "b");
    assert.throws(() => tree.renameat2(fd, c("a"), fd, c("b"), RENAME.NOREPLACE), (e) => isErrno(e, "EEXIST"));
    tree.renameat2(fd, c("a"), fd, c("b"), RENAME.EXCHANGE);
    assert.equal(Deno.readTextFileSync(`${path}/a`), "b");
    tree.renameat2(fd, c("a"), fd, c("b"));
    assert.equal(Deno.readTextFileSync(`${path}/b`), "b");
    assert.throws(() => tree.unlinkat(fd, c("a")), (e) => isErrno(e, "ENOENT"));
  }),
);

Deno.test(
  "tree: names are bytes, not text",
  inScratch((fd) => {
    tree.mkdirat(fd, cBytes("caf\xe9"), 0o700);
    tree.symlinkat(cBytes("\xff\xfe"), fd, c("s"));
    assert.deepEqual([...tree.readlinkat(fd, c("s"))], [0xff, 0xfe]);
    tree.unlinkat(fd, cBytes("caf\xe9"), AT.REMOVEDIR);
  }),
);

Deno.test({
  name: "tree: device nodes carry their numbers",
  ...requires("root"),
  fn: inScratch((fd) => {
    const device = { major: 4095, minor: 1048575 };
    tree.mknodat(fd, c("n"), S.IFCHR | 0o600, device);
    const status = metadata.statx(fd, c("n"));
    assert.equal(status.mode & S.IFMT, S.IFCHR);
    assert.deepEqual(status.nodeDevice, device);
  }),
});

Deno.test("makeDevice interleaves as glibc does", () => {
  assert.equal(makeDevice({ major: 8, minor: 1 }), 0x801n);
  assert.equal(makeDevice({ major: 0x12345, minor: 0xabcdef }), 0x1200abcd345efn);
});
