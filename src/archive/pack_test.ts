import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { cBytes, cString, files, O, OwnedFd, S, tree, xattrs } from "../sys/mod.ts";
import { concat, decodeAll, type Decoded } from "../tar/tar_testing.ts";
import { packTree } from "./pack.ts";
import { inDir, make, openDir, viewOf } from "./archive_testing.ts";
import { TreeView } from "./tree_view.ts";

function pack(view: TreeView, path: string, name: string | undefined, calls?: ArchiveCalls): Decoded {
  using start = view.resolve(path, { follow: false });
  return decodeAll(concat(...packTree({ view, start, name }, calls)));
}

/** Describes entries: `file 644 name content`, `link name -> first` and so on. */
const lines = ({ entries }: Decoded): string[] =>
  entries.map(({ entry: { type, path, linkPath, mode }, data }) =>
    `${type} ${mode.toString(8)} ${path}${linkPath === "" ? "" : ` -> ${linkPath}`} ${data}`.trimEnd()
  );

Deno.test(
  "pack: a directory, its content, one file, a link",
  inDir((dir) => {
    make(dir, { "d/b": "bee", "d/a/x": "ex", "d/a.txt": "", "d/l": { to: "/etc/passwd" }, "d/p": { pipe: true } });
    Deno.chmodSync(`${dir}/d/b`, 0o4711);
    using view = viewOf(dir);
    const content = (prefix: string) => [
      `directory 755 ${prefix}a/`,
      `file 644 ${prefix}a/x ex`,
      `file 644 ${prefix}a.txt`,
      `file 4711 ${prefix}b bee`,
      `symlink 777 ${prefix}l -> /etc/passwd`,
      `fifo 600 ${prefix}p`,
    ];
    assert.deepEqual(lines(pack(view, "/d", "d")), ["directory 755 d/", ...content("d/")]);
    assert.deepEqual(lines(pack(view, "/d", ".")), ["directory 755 ./", ...content("./")]);
    assert.deepEqual(lines(pack(view, "/d", "")), ["directory 755 /", ...content("/")], "as Docker names a root");
    assert.deepEqual(lines(pack(view, "/d", undefined)), content(""));
    assert.deepEqual(lines(pack(view, "/d/b", "b")), ["file 4711 b bee"]);
    assert.deepEqual(lines(pack(view, "/d/l", "other")), ["symlink 777 other -> /etc/passwd"]);
  }),
);

Deno.test(
  "pack: names are bytes, times are whole seconds, further names are hard links",
  inDir((dir) => {
    using at = new OwnedFd(files.open(cString(dir), O.RDONLY | O.DIRECTORY));
    tree.mkdirat(at.fd, cBytes("caf\xe9"), 0o755);
    make(dir, { "one": "1" });
    tree.linkat(at.fd, cString("one"), at.fd, cBytes("caf\xe9/\n\xff"));
    Deno.utimeSync(`${dir}/one`, 5.75, 5.75);
    using view = viewOf(dir);
    const packed = pack(view, "/", ".");
    assert.deepEqual(lines(packed).slice(1), [
      "directory 755 ./caf\xe9/",
      "file 644 ./caf\xe9/\n\xff 1",
      "link 644 ./one -> ./caf\xe9/\n\xff",
    ]);
    const { entry } = packed.entries[2]!;
    assert.deepEqual([entry.mtimeSeconds, entry.mtimeNanos, entry.uid], [5, 0, Deno.uid()]);
  }),
);

Deno.test(
  "pack: large files and many small ones result in few chunks",
  inDir((dir) => {
    const large = "0123456789".repeat(100_000);
    make(dir, {
      large,
      "exact": "x".repeat(512),
      ...Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`s/${n}`, `${n}`])),
    });
    using view = viewOf(dir);
    using start = view.root();
    const chunks = [...packTree({ view, start, name: undefined })];
    assert.ok(chunks.length < 10, `${chunks.length} chunks`);
    const { entries } = decodeAll(concat(...chunks));
    assert.equal(entries.find(({ entry }) => entry.path === "large")?.data, large);
    assert.equal(entries.length, 503);
  }),
);

Deno.test(
  "pack: a very deep tree needs no more descriptors than a flat one",
  inDir((dir) => {
    make(dir, { [`${"d/".repeat(1500)}f`]: "deep" });
    let open = 0;
    let most = 0;
    const opening = (fd: number) => {
      most = Math.max(most, ++open);
      return fd;
    };
    const calls: ArchiveCalls = {
      ...ARCHIVE_CALLS,
      open: (...args) => opening(ARCHIVE_CALLS.open(...args)),
      openat: (...args) => opening(ARCHIVE_CALLS.openat(...args)),
      openat2: (...args) => opening(ARCHIVE_CALLS.openat2(...args)),
      close: (fd) => {
        open--;
        ARCHIVE_CALLS.close(fd);
      },
    };
    using view = new TreeView(openDir(dir), { calls });
    assert.equal(pack(view, "/", ".", calls).entries.at(-1)?.data, "deep");
    assert.ok(most < 10, `${most} at a time`);
  }),
);

Deno.test(
  "pack: files may be removed or change their size meanwhile",
  inDir((dir) => {
    make(dir, { "a": "first", "b": "x".repeat(1000), "c": "y".repeat(1000), "d/e": "", "f": "last" });
    let reads = 0;
    const calls: ArchiveCalls = {
      ...ARCHIVE_CALLS,
      pread(fd, buffer, offset) {
        if (reads++ === 0) {
          Deno.truncateSync(`${dir}/b`, 300);
          Deno.writeTextFileSync(`${dir}/c`, "more", { append: true });
          Deno.removeSync(`${dir}/d`, { recursive: true });
          Deno.writeTextFileSync(`${dir}/new`, "");
        }
        return ARCHIVE_CALLS.pread(fd, buffer, offset);
      },
    };
    using view = viewOf(dir);
    const { entries } = pack(view, "/", undefined, calls);
    assert.deepEqual(entries.map(({ entry: { path, sizeBytes } }) => [path, sizeBytes]), [
      ["a", 5],
      ["b", 300],
      ["c", 1004],
      ["f", 4],
    ]);
  }),
);

Deno.test(
  "pack: a file that shrinks while it is read is padded with zeros",
  inDir((dir) => {
    make(dir, { "f": "z".repeat(1000), "g": "after" });
    const calls: ArchiveCalls = {
      ...ARCHIVE_CALLS,
      pread(fd, buffer, offset) {
        const count = ARCHIVE_CALLS.pread(fd, buffer.subarray(0, 100), offset);
        Deno.truncateSync(`${dir}/f`, 50);
        return count;
      },
    };
    using view = viewOf(dir);
    const { entries } = pack(view, "/", undefined, calls);
    assert.deepEqual(entries.map(({ data }) => data), ["z".repeat(100) + "\0".repeat(900), "after"]);
  }),
);

Deno.test({
  name: "pack: owners, devices and capabilities; sockets and other extended attributes are omitted",
  ...requires("root"),
  fn: inDir((dir) => {
    make(dir, { "f": "x" });
    const capability = new Uint8Array([1, 0, 0, 3, ...Array.from({ length: 16 }, (_, n) => n), 9, 9, 9, 9]);
    xattrs.lsetxattr(cString(`${dir}/f`), cString("user.own"), new Uint8Array(1));
    using at = new OwnedFd(files.open(cString(dir), O.RDONLY | O.DIRECTORY));
    tree.mknodat(at.fd, cString("n"), S.IFBLK | 0o640, { major: 7, minor: 300 });
    Deno.chownSync(`${dir}/n`, 12, 3_000_000_000);
    using _socket = Deno.listen({ transport: "unix", path: `${dir}/s` });
    const calls: ArchiveCalls = { ...ARCHIVE_CALLS, fgetxattr: () => capability.slice() };
    using view = viewOf(dir);
    const [file, node, ...more] = pack(view, "/", undefined, calls).entries.map(({ entry }) => entry);
    assert.deepEqual(more, []);
    assert.deepEqual([...file!.xattrs.keys()], ["security.capability"]);
    assert.deepEqual(
      [...file!.xattrs.values()][0],
      Uint8Array.from(capability.subarray(0, 20), (b, n) => n === 3 ? 2 : b),
    );
    const { type, uid, gid, mode, deviceMajor, deviceMinor } = node!;
    assert.deepEqual([type, uid, gid, mode, deviceMajor, deviceMinor], ["block", 12, 3_000_000_000, 0o640, 7, 300]);
  }),
});

Deno.test(
  "pack: mounts are packed with the rest of the tree",
  inDir((dir) => {
    make(dir, { "root/a/under": "hidden", "root/b": "", "volume/v/w": "seen", "file": "bound" });
    using view = viewOf(`${dir}/root`);
    view.mount({ path: "/a", root: openDir(`${dir}/volume`), readOnly: false });
    const file = new OwnedFd(files.open(cString(`${dir}/file`), O.PATH));
    view.mount({ path: "/b", root: file, readOnly: false });
    assert.deepEqual(lines(pack(view, "/", undefined)), [
      "directory 755 a/",
      "directory 755 a/v/",
      "file 644 a/v/w seen",
      "file 644 b bound",
    ]);
  }),
);
