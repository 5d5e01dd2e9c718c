import { strict as assert } from "node:assert";
import { cBytes, cString as c, dirs, files, isErrno, O, OwnedFd, S, tree } from "./mod.ts";
import "./preopen_testing.ts";

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

Deno.test(
  "readDir returns names as bytes, with their types",
  inScratch((fd, path) => {
    assert.deepEqual(dirs.readDir(fd), []);
    Deno.writeTextFileSync(`${path}/é`, "");
    tree.mkdirat(fd, cBytes("caf\xe9"), 0o700);
    tree.symlinkat(c("nowhere"), fd, c("s"));
    tree.mkfifoat(fd, c("line\nbreak"), 0o600);
    using dir = new OwnedFd(files.openat(fd, c("."), O.RDONLY | O.DIRECTORY));
    const entries = dirs.readDir(dir.fd).sort((a, b) => a.name < b.name ? -1 : 1);
    assert.deepEqual(entries, [
      { name: "caf\xe9", type: S.IFDIR },
      { name: "line\nbreak", type: S.IFIFO },
      { name: "s", type: S.IFLNK },
      { name: "\xc3\xa9", type: S.IFREG },
    ]);
    assert.deepEqual(dirs.readDir(dir.fd), [], "the offset is at the end");
  }),
);

Deno.test(
  "readDir returns more names than one getdents64 call does",
  inScratch((fd, path) => {
    const names = Array.from({ length: 3000 }, (_, n) => `${"n".repeat(n % 200)}${n}`);
    for (const name of names) Deno.writeTextFileSync(`${path}/${name}`, "");
    using dir = new OwnedFd(files.openat(fd, c("."), O.RDONLY | O.DIRECTORY));
    assert.deepEqual(dirs.readDir(dir.fd).map(({ name }) => name).sort(), names.sort());
  }),
);

Deno.test(
  "readDir rejects a file",
  inScratch((fd, path) => {
    Deno.writeTextFileSync(`${path}/f`, "");
    using file = new OwnedFd(files.openat(fd, c("f"), O.RDONLY));
    assert.throws(() => dirs.readDir(file.fd), (e) => isErrno(e, "ENOTDIR"));
  }),
);
