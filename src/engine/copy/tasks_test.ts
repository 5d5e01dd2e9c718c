import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { inDir, listing, make, openDir, viewOf } from "../../archive/archive_testing.ts";
import type { TreeView } from "../../archive/mod.ts";
import { TsdError } from "../../errors.ts";
import { S } from "../../sys/mod.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, decodeAll, rawFile } from "../../tar/tar_testing.ts";
import { packPath, packRoot, statPath, UnpackingTask } from "./tasks.ts";

const TREE = {
  "etc/passwd": "root:x:0:0::/root:/bin/sh\napp:x:7:8::/:/bin/sh\n",
  "etc/l": { to: "../data/./sub/../new" },
  "loop": { to: "loop" },
  "data/sub/f": "text",
} as const;

/** Returns the error's code and message. */
function refused(step: () => unknown): string {
  try {
    step();
  } catch (thrown) {
    if (thrown instanceof TsdError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return "nothing was refused";
}

Deno.test(
  "stat: a path is not resolved at its end",
  inDir((dir) => {
    make(dir, TREE);
    using view = viewOf(dir);
    const context = { view, container: "web" };
    const info = (path: string) => {
      const { name, mode, sizeBytes, linkTarget } = statPath(context, path);
      return [name, (mode & S.IFMT) === S.IFDIR ? "folder" : sizeBytes, linkTarget];
    };
    assert.deepEqual(info("/etc/passwd"), ["passwd", TREE["etc/passwd"].length, ""]);
    assert.deepEqual(info("etc/l"), ["l", TREE["etc/l"].to.length, "/data/new"]);
    for (const [path, name] of [["/", "/"], ["/etc", "etc"], ["/etc/", "etc"], ["/etc/.", "."], ["..", ".."]]) {
      assert.deepEqual(info(path!), [name, "folder", ""], path);
    }
    const errors = {
      "/nothing": "not_found: Could not find the file /nothing in container web",
      "/etc/passwd/": "invalid_argument: lstat /etc/passwd/: not a directory",
      "/etc/passwd/x": "invalid_argument: lstat /etc/passwd/x: not a directory",
      "/loop/x": "invalid_argument: lstat /loop/x: too many levels of symbolic links",
    };
    for (const [path, error] of Object.entries(errors)) assert.equal(refused(() => statPath(context, path)), error);
    assert.match(refused(() => statPath(context, "/loop")), /^invalid_argument: lstat \/loop: too many levels/);
  }),
);

function packed(view: TreeView, path: string): string[] {
  const chunks: Uint8Array[] = [];
  for (const part of packPath({ view, container: "web" }, path)) if (part instanceof Uint8Array) chunks.push(part);
  return decodeAll(concat(...chunks)).entries.map(({ entry }) => entry.path);
}

Deno.test(
  "pack: entry names depend on the end of the path, as in Docker",
  inDir((dir) => {
    make(dir, TREE);
    using view = viewOf(dir);
    const cases: Readonly<Record<string, readonly string[]>> = {
      "/data": ["data/", "data/sub/", "data/sub/f"],
      "/data/": ["data/", "data/sub/", "data/sub/f"],
      "/data/.": ["./", "./sub/", "./sub/f"],
      "data/sub/../sub/f": ["f"],
      "/etc/l": ["l"],
    };
    for (const [path, names] of Object.entries(cases)) assert.deepEqual(packed(view, path), names, path);
    assert.deepEqual(packed(view, "/").slice(0, 4), ["/", "/data/", "/data/sub/", "/data/sub/f"]);
    assert.equal(refused(() => packed(view, "/x")), "not_found: Could not find the file /x in container web");
    const root = decodeAll(concat(...packRoot({ view, container: "web" }))).entries.map(({ entry }) => entry.path);
    assert.deepEqual(root.slice(0, 3), ["data/", "data/sub/", "data/sub/f"]);
  }),
);

Deno.test(
  "unpack: the target must be a writable directory, possibly behind links",
  inDir((dir) => {
    make(dir, {
      ...TREE,
      "root/to": { to: "dest" },
      "root/dest/old": "",
      "root/ro": null,
      "root/f": "",
      "locked/x": "",
    });
    using view = viewOf(`${dir}/root`);
    view.mount({ path: "/ro", root: openDir(`${dir}/locked`), readOnly: true });
    const archive = concat(rawFile("d/new", "content"), END_OF_TAR);
    const unpack = (path: string, tree = view) => {
      const task = { kind: "unpack", path, mayReplaceDirs: false } as const;
      using unpacking = new UnpackingTask({ view: tree, container: "web" }, task, dir);
      for (let at = 0; at < archive.length; at += 100) unpacking.feed(archive.slice(at, at + 100));
      unpacking.finish();
    };
    unpack("/to");
    assert.deepEqual(listing(`${dir}/root/dest`), ["d 755 d/", "f 644 d/new content", "f 644 old"]);
    assert.equal(refused(() => unpack("/f")), "invalid_argument: extraction point is not a directory");
    assert.equal(refused(() => unpack("/no")), "not_found: Could not find the file /no in container web");
    assert.equal(refused(() => unpack("/ro")), "invalid_argument: mounted volume is marked read-only");
    using locked = viewOf(`${dir}/root`, { readOnly: true });
    locked.mount({ path: "/dest", root: openDir(`${dir}/data`), readOnly: false });
    assert.equal(refused(() => unpack("/", locked)), "invalid_argument: container rootfs is marked read-only");
    unpack("/to", locked);
    assert.ok(listing(`${dir}/data`).includes("f 644 d/new content"));
  }),
);

Deno.test({
  name: "unpack: the container's user is looked up in its own passwd file",
  ...requires("root"),
  fn: inDir((dir) => {
    make(dir, TREE);
    using view = viewOf(dir);
    const context = { view, container: "web" };
    const task = (user: string) => ({ kind: "unpack", path: "/data", mayReplaceDirs: false, user }) as const;
    {
      using unpacking = new UnpackingTask(context, task("app"), dir);
      unpacking.feed(concat(rawFile("mine", "x"), END_OF_TAR));
      unpacking.finish();
    }
    const { uid, gid } = Deno.statSync(`${dir}/data/mine`);
    assert.deepEqual([uid, gid], [7, 8]);
    assert.match(
      refused(() => new UnpackingTask(context, task("nobody"), dir)),
      /^user_unknown: unable to find user/,
    );
  }),
});

Deno.test(
  "unpack: a truncated archive is rejected",
  inDir((dir) => {
    using view = viewOf(dir);
    const task = { kind: "unpack", path: "/", mayReplaceDirs: false } as const;
    using unpacking = new UnpackingTask({ view, container: "web" }, task, dir);
    unpacking.feed(rawFile("f", "content").slice(0, 515));
    assert.match(refused(() => unpacking.finish()), /^layer_invalid: Invalid tar: it ends in the middle/);
  }),
);
