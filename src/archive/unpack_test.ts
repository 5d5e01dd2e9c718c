import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { isTsdError } from "../errors.ts";
import { AT, cString, metadata, xattrs } from "../sys/mod.ts";
import { encodeHeader, END_OF_TAR, TarDecoder, tarHeader } from "../tar/mod.ts";
import { formatRecord } from "../tar/pax.ts";
import { concat, padded, rawFile } from "../tar/tar_testing.ts";
import { ARCHIVE_CALLS, type ArchiveCalls } from "./calls.ts";
import { type Contents, inDir, listing, make, openDir, viewOf } from "./archive_testing.ts";
import type { TreeView } from "./tree_view.ts";
import { Unpacker, type UnpackOptions } from "./unpack.ts";

type Fields = Partial<Parameters<typeof tarHeader>[0]> & { readonly data?: string };

/** Encodes an archive entry; a name that ends with a slash is a directory. */
function member(path: string, { data = "", ...fields }: Fields = {}): Uint8Array {
  const type = fields.type ?? (path.endsWith("/") ? "directory" : "file");
  const sizeBytes = data.length;
  return concat(encodeHeader(tarHeader({ path, type, sizeBytes, ...fields })), padded(data));
}

const link = (path: string, linkPath: string): Uint8Array => member(path, { type: "symlink", linkPath });
const hardLink = (path: string, linkPath: string): Uint8Array => member(path, { type: "link", linkPath });

const ENGINE: UnpackOptions = { mayReplaceDirs: false, owner: "archive", followLinks: true, isRoot: true };
const CLIENT: UnpackOptions = { ...ENGINE, owner: "caller", followLinks: false };

interface Unpacking {
  readonly view: TreeView;
  /** Target path in the view. */
  readonly to?: string;
  readonly options?: Partial<UnpackOptions>;
  readonly calls?: ArchiveCalls;
}

function unpack({ view, to = "/", options = {}, calls }: Unpacking, ...members: readonly Uint8Array[]): void {
  using dir = view.resolve(to);
  using unpacker = new Unpacker({ view, dir }, { ...ENGINE, owner: "caller", ...options }, calls);
  const decoder = new TarDecoder();
  decoder.feed(concat(...members, END_OF_TAR));
  for (let item = decoder.next(); item !== undefined; item = decoder.next()) {
    if (item instanceof Uint8Array) unpacker.write(item);
    else unpacker.begin(item);
  }
  unpacker.finish();
}

Deno.test(
  "unpack: directories, files, links; existing directories are merged, files replaced",
  inDir((dir) => {
    make(dir, { "d/kept": "kept", "d/replaced": "old", "d/was-link": { to: "kept" }, "d/empty": "full" });
    using view = viewOf(dir);
    unpack(
      { view },
      member("d/", { mode: 0o750 }),
      member("d/replaced", { data: "new", mode: 0o600 }),
      member("d/was-link", { data: "file" }),
      member("d/empty"),
      link("d/l", "../../anywhere"),
      hardLink("d/h", "d/replaced"),
      member("implied/deep/f", { data: "x" }),
      member("p", { type: "fifo", mode: 0o622 }),
      member("./"),
    );
    assert.deepEqual(listing(dir), [
      "d 750 d/",
      "f 644 d/empty",
      "f 600 d/h new",
      "f 644 d/kept kept",
      "l d/l -> ../../anywhere",
      "f 600 d/replaced new",
      "f 644 d/was-link file",
      "d 755 implied/",
      "d 755 implied/deep/",
      "f 644 implied/deep/f x",
      "10000 622 p",
    ]);
  }),
);

Deno.test(
  "unpack: times, also of directories that get further entries later",
  inDir((dir) => {
    using view = viewOf(dir);
    const old = { mtimeSeconds: 86_400, mtimeNanos: 500_000_000 };
    unpack({ view }, member("d/", old), member("d/f", { data: "x", ...old }), member("d/e/", old), link("d/l", "f"));
    const time = (path: string) => {
      const { modifyTime } = metadata.statx(AT.FDCWD, cString(`${dir}/${path}`), AT.SYMLINK_NOFOLLOW);
      return [modifyTime.seconds, modifyTime.nanoseconds];
    };
    for (const path of ["d", "d/f", "d/e"]) assert.deepEqual(time(path), [86_400n, 500_000_000], path);
    assert.deepEqual(time("d/l"), [0n, 0]);
  }),
);

Deno.test(
  "unpack: a sparse file has holes",
  inDir((dir) => {
    using view = viewOf(dir);
    const info = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9000000" };
    const map = Object.entries(info).map(([key, value]) => formatRecord(key, value)).join("");
    const stored = concat(padded("1\n8000000\n4\n"), new TextEncoder().encode("data"));
    const raw = String.fromCharCode(...stored);
    unpack({ view }, rawFile("PaxHeaders/x", map, { flag: "x" }), rawFile("sparse", raw));
    const { size, blocks } = Deno.statSync(`${dir}/sparse`);
    assert.equal(size, 9_000_000);
    assert.ok(blocks! < 100, `${blocks} blocks`);
    assert.equal(Deno.readTextFileSync(`${dir}/sparse`).slice(8_000_000, 8_000_006), "data\0\0");
  }),
);

/** Files inside of the view's root, and beside it. */
const FIXTURE: Contents = {
  "root/dest/d/f": "old",
  "root/dest/file": "old",
  "root/dest/in": { to: "/elsewhere" },
  "root/dest/out": { to: "../../../../../../../../../outside" },
  "root/elsewhere/g": "old",
  "outside/victim": "untouched",
};

interface Rejected {
  readonly name: string;
  readonly members: readonly Uint8Array[];
  readonly error: RegExp;
  readonly options?: Partial<UnpackOptions>;
}

const dots = "../".repeat(12);

const REJECTED: readonly Rejected[] = [
  {
    name: "dots lead outside",
    members: [member(`${dots}outside/victim`, { data: "!" })],
    error: /is outside of the folder/,
  },
  { name: "dots in the middle", members: [member("d/../../x")], error: /is outside of the folder/ },
  { name: "a directory of dots", members: [member("../")], error: /is outside of the folder/ },
  {
    name: "a hard link to the outside",
    members: [hardLink("h", `${dots}outside/victim`)],
    error: /is outside of the folder/,
  },
  {
    name: "a hard link to a missing file",
    members: [hardLink("h", "nothing")],
    error: /link \/dest\/h: no such file or directory/,
  },
  { name: "a hard link to the target directory", members: [hardLink("h", "/")], error: /is a hard link to the folder/ },
  {
    name: "a hard link to a directory",
    members: [hardLink("h", "d")],
    error: /link \/dest\/h: operation not permitted/,
  },
  { name: "through a file", members: [member("file/x")], error: /^lstat \/dest\/file\/x: not a directory$/ },
  {
    name: "through a link of the same archive",
    members: [link("l", "../../../../../outside"), member("l/victim", { data: "!" })],
    error: /symbolic link/,
    options: CLIENT,
  },
  {
    name: "a file for a directory",
    members: [member("d", { data: "x" })],
    error: /^cannot overwrite directory "\/dest\/d" with non-directory "\/dest"$/,
  },
  {
    name: "a directory for a file",
    members: [member("file/")],
    error: /^cannot overwrite non-directory "\/dest\/file" with directory "\/dest"$/,
  },
  {
    name: "a file for the target directory itself",
    members: [member(".", { data: "x" })],
    error: /^cannot overwrite directory "\/dest" with non-directory "\/dest"$/,
  },
  { name: "a name that is too long", members: [member(`${"n".repeat(256)}`)], error: /longer than 255 bytes/ },
  { name: "a path that is too long", members: [member("n/".repeat(2048))], error: /longer than 4095 bytes/ },
  { name: "the device 0:0", members: [member("w", { type: "character" })], error: /is the device 0:0/ },
];

for (const { name, members, error, options } of REJECTED) {
  Deno.test(
    `unpack: rejected: ${name}`,
    inDir((dir) => {
      make(dir, FIXTURE);
      const before = listing(dir);
      using view = viewOf(`${dir}/root`);
      assert.throws(
        () => unpack({ view, to: "/dest", ...(options === undefined ? {} : { options }) }, ...members),
        (thrown) => isTsdError(thrown) && error.test(thrown.message) || assert.fail(String(thrown)),
      );
      assert.deepEqual(
        listing(dir).filter((line) => !/^l root\/dest\/l |^d \d+ root\/outside\//.test(line)),
        before,
      );
    }),
  );
}

Deno.test(
  "unpack: confined to the root: absolute names, links to the outside, links of the archive",
  inDir((dir) => {
    make(dir, FIXTURE);
    using view = viewOf(`${dir}/root`);
    unpack(
      { view, to: "/dest" },
      member("/outside/victim", { data: "a" }),
      hardLink("h", "/file"),
      link("abs", "/elsewhere"),
      member("abs/g", { data: "through" }),
      member("in/h", { data: "on" }),
      member("out/victim", { data: "inside" }),
      link("up", "../../../../../.."),
      member("up/top", { data: "t" }),
      member("a/../b", { data: "b" }),
      link("out", "x"),
    );
    assert.deepEqual(listing(dir), [
      "d 755 outside/",
      "f 644 outside/victim untouched",
      "d 755 root/",
      "d 755 root/dest/",
      "l root/dest/abs -> /elsewhere",
      "f 644 root/dest/b b",
      "d 755 root/dest/d/",
      "f 644 root/dest/d/f old",
      "f 644 root/dest/file old",
      "f 644 root/dest/h old",
      "l root/dest/in -> /elsewhere",
      "l root/dest/out -> x",
      "d 755 root/dest/outside/",
      "f 644 root/dest/outside/victim a",
      "l root/dest/up -> ../../../../../..",
      "d 755 root/elsewhere/",
      "f 644 root/elsewhere/g through",
      "f 644 root/elsewhere/h on",
      "d 755 root/outside/",
      "f 644 root/outside/victim inside",
      "f 644 root/top t",
    ]);
  }),
);

Deno.test(
  "unpack: with mayReplaceDirs, files replace directories and directories files",
  inDir((dir) => {
    make(dir, { ...FIXTURE, "root/dest/d/deep/er/f": "old", "root/dest/d/l": { to: "/elsewhere" } });
    using view = viewOf(`${dir}/root`);
    const options = { mayReplaceDirs: true };
    unpack(
      { view, to: "/dest", options },
      member("d/deep/", { mode: 0o700 }),
      member("d", { data: "f" }),
      member("file/"),
    );
    assert.deepEqual(listing(`${dir}/root/dest`).slice(0, 2), ["f 644 d f", "d 755 file/"]);
    assert.deepEqual(listing(`${dir}/root/elsewhere`), ["f 644 g old"]);
  }),
);

Deno.test(
  "unpack: after a directory was replaced, entries go to the new one",
  inDir((dir) => {
    using view = viewOf(dir);
    const options = { mayReplaceDirs: true };
    unpack({ view, options }, member("d/a"), member("d", { data: "file" }), member("e/"), member("d/"), member("d/b"));
    assert.deepEqual(listing(dir), ["d 755 d/", "f 644 d/b", "d 755 e/"]);
  }),
);

Deno.test(
  "unpack: mounts are merged into, never replaced; read-only mounts are not changed",
  inDir((dir) => {
    make(dir, { "root/v": null, "root/ro": null, "volume/f": "old", "locked/f": "old" });
    using view = viewOf(`${dir}/root`);
    view.mount({ path: "/v", root: openDir(`${dir}/volume`), readOnly: false });
    view.mount({ path: "/ro", root: openDir(`${dir}/locked`), readOnly: true });
    unpack({ view }, member("v/"), member("v/f", { data: "new" }), member("v/g/h"));
    assert.deepEqual(listing(`${dir}/volume`), ["f 644 f new", "d 755 g/", "f 644 g/h"]);
    const options = { mayReplaceDirs: true };
    const refused = (error: RegExp, ...members: Uint8Array[]) =>
      assert.throws(() => unpack({ view, options }, ...members), error);
    refused(/unlinkat \/v: device or resource busy$/, member("v", { data: "x" }));
    refused(/\/ro.*: read-only file system$/, member("ro/f", { data: "x" }));
    refused(/\/ro.*: read-only file system$/, member("ro/new/"));
    refused(/\/ro.*: read-only file system$/, member("ro/", { mode: 0o777 }));
    refused(/\/ro.*: read-only file system$/, member("ro/in/plied/x"));
    refused(/^TsdError: link \/l: invalid cross-device link$/, hardLink("l", "v/f"));
    refused(/^TsdError: link \/l: invalid cross-device link$/, hardLink("l", "v"));
    assert.deepEqual(listing(`${dir}/locked`), ["f 644 f old"]);
    assert.equal(Deno.statSync(`${dir}/locked`).mode! & 0o777, 0o755);
  }),
);

Deno.test(
  "unpack: a file that another process creates under the same name is never written to",
  inDir((dir) => {
    make(dir, FIXTURE);
    using view = viewOf(`${dir}/root`);
    let times = 3;
    const calls: ArchiveCalls = {
      ...ARCHIVE_CALLS,
      openat(fd, name, flags, mode) {
        const isRace = mode === 0o600 && times-- > 0;
        if (isRace) Deno.symlinkSync(`${dir}/outside/victim`, `${dir}/root/dest/new`);
        return ARCHIVE_CALLS.openat(fd, name, flags, mode);
      },
    };
    unpack({ view, to: "/dest", calls }, member("new", { data: "ours" }));
    assert.ok(listing(dir).includes("f 644 root/dest/new ours"));
    times = Infinity;
    assert.throws(
      () => unpack({ view, to: "/dest", calls }, member("new", { data: "ours" })),
      /open \/dest\/new: file exists$/,
    );
    assert.ok(listing(dir).includes("f 644 outside/victim untouched"));
  }),
);

Deno.test({
  name: "unpack: owners, set-id bits, capabilities and extended attributes for each kind of owner",
  ...requires("root"),
  fn: inDir((dir) => {
    const capability = new Uint8Array([1, 0, 0, 2, ...new Uint8Array(16)]);
    const attributes = [
      "security.capability",
      "user.own",
      "user.overlay.opaque",
      "trusted.overlay.opaque",
      "trusted.x",
    ];
    const info = { uid: 7, gid: 8, mode: 0o6755, xattrs: new Map(attributes.map((name) => [name, capability])) };
    const members = (name: string) => [
      member(`${name}/`, { ...info, mode: 0o2755 }),
      member(`${name}/f`, { ...info, data: "x" }),
      member(`${name}/l`, { type: "symlink", linkPath: "f", uid: 7, gid: 8 }),
      member(`${name}/n`, { ...info, type: "character", deviceMajor: 1, deviceMinor: 3 }),
    ];
    using view = viewOf(dir);
    const attributesOf = (name: string) => {
      const of = (path: string) => {
        const { mode, uid, gid } = metadata.statx(AT.FDCWD, cString(`${dir}/${path}`), AT.SYMLINK_NOFOLLOW);
        return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
      };
      const xattrNames = xattrs.llistxattr(cString(`${dir}/${name}/f`)).sort();
      return [of(name), of(`${name}/f`), of(`${name}/l`), of(`${name}/n`), ...xattrNames];
    };
    unpack({ view, options: { owner: "archive" } }, ...members("archive"));
    unpack({ view, options: { owner: { uid: 20, gid: 30 } } }, ...members("other"));
    unpack({ view, options: { owner: "caller" } }, ...members("caller"));
    const modes = (owner: string) => [`2755 ${owner}`, `6755 ${owner}`, `777 ${owner}`, `6755 ${owner}`];
    assert.deepEqual(attributesOf("archive"), [...modes("7:8"), "security.capability", "user.own"]);
    assert.deepEqual(attributesOf("other"), [...modes("20:30"), "security.capability", "user.own"]);
    assert.deepEqual(attributesOf("caller"), ["2755 0:0", "755 0:0", "777 0:0", "755 0:0", "user.own"]);
  }),
});
