import { strict as assert } from "node:assert";
import { isErrno } from "../sys/mod.ts";
import type { PinnedPath } from "./pinned_path.ts";
import { inDir, make, openDir, viewOf } from "./archive_testing.ts";
import type { TreeView } from "./tree_view.ts";

/** Returns the path that `path` resolves to, or the error's name. */
function found(view: TreeView, path: string, options: { follow?: boolean } = {}): string {
  try {
    using pinned = view.resolve(path, options);
    return pinned.path || "/";
  } catch (thrown) {
    if (isErrno(thrown)) return thrown.errnoName;
    throw thrown;
  }
}

const TREE = {
  "root/etc/passwd": "inside",
  "root/dir/sub/file": "x",
  "root/abs": { to: "/etc/passwd" },
  "root/rel": { to: "dir/sub" },
  "root/up": { to: "../../../../etc" },
  "root/dir/out": { to: "../../../outside" },
  "root/loop": { to: "loop" },
  "root/chain1": { to: "chain2" },
  "root/chain2": { to: "/dir/../abs" },
  "root/slashed": { to: "dir/" },
  "root/slashedfile": { to: "etc/passwd/" },
  "root/broken": { to: "no/where" },
  "outside/secret": "secret",
  "etc/passwd": "of the host",
} as const;

Deno.test(
  "view: a path resolves as in a chroot, including symbolic links",
  inDir((dir) => {
    make(dir, TREE);
    using view = viewOf(`${dir}/root`);
    const cases: Readonly<Record<string, string>> = {
      "/": "/",
      "": "/",
      ".": "/",
      "etc/passwd": "/etc/passwd",
      "//etc/./passwd": "/etc/passwd",
      "/../../etc/passwd": "/etc/passwd",
      "/dir/sub/../../etc": "/etc",
      "/abs": "/etc/passwd",
      "/rel/file": "/dir/sub/file",
      "/rel/..": "/dir",
      "/up": "/etc",
      "/up/passwd": "/etc/passwd",
      "/dir/out": "ENOENT",
      "/dir/out/secret": "ENOENT",
      "/loop": "ELOOP",
      "/chain1": "/etc/passwd",
      "/slashed": "/dir",
      "/slashedfile": "ENOTDIR",
      "/broken": "ENOENT",
      "/nothing": "ENOENT",
      "/etc/passwd/": "ENOTDIR",
      "/etc/passwd/.": "ENOTDIR",
      "/etc/passwd/..": "ENOTDIR",
      "/etc/passwd/x": "ENOTDIR",
      "/rel/": "/dir/sub",
      [`/${"n".repeat(256)}`]: "ENAMETOOLONG",
    };
    for (const [path, expected] of Object.entries(cases)) assert.equal(found(view, path), expected, path);
    assert.equal(found(view, "/abs", { follow: false }), "/abs");
    assert.equal(found(view, "/loop", { follow: false }), "/loop");
    assert.equal(found(view, "/rel/", { follow: false }), "/dir/sub", "a trailing slash follows the link");
    assert.equal(found(view, "/rel/file", { follow: false }), "/dir/sub/file");
  }),
);

Deno.test(
  "view: destination resolves links as far as the path exists",
  inDir((dir) => {
    make(dir, TREE);
    using view = viewOf(`${dir}/root`);
    const cases: Readonly<Record<string, string>> = {
      "/": "/",
      "/abs": "/etc/passwd",
      "/up": "/etc",
      "/broken": "/no/where",
      "/rel/new/../file": "/dir/sub/file",
      "/dir/out/x": "/outside/x",
      "/new/../../..": "/",
    };
    for (const [path, expected] of Object.entries(cases)) assert.equal(view.destination(path), expected, path);
    assert.throws(() => view.destination("/loop"), (thrown) => isErrno(thrown, "ELOOP"));
  }),
);

Deno.test(
  "view: a mount covers what is below it, and absolute links in it start at the root",
  inDir((dir) => {
    make(dir, {
      ...TREE,
      "volume/own": "v",
      "volume/link": { to: "/etc/passwd" },
      "volume/up": { to: "../etc" },
      "inner/deep": "d",
    });
    using view = viewOf(`${dir}/root`);
    view.mount({ path: "/dir", root: openDir(`${dir}/volume`), readOnly: true });
    view.mount({ path: "/dir/own", root: openDir(`${dir}/inner`), readOnly: false });
    const paths = {
      "/dir/own/deep": "/dir/own/deep",
      "/dir/link": "/etc/passwd",
      "/dir/up": "/etc",
      "/dir/sub": "ENOENT",
    };
    for (const [path, expected] of Object.entries(paths)) assert.equal(found(view, path), expected, path);
    assert.equal(found(view, "/rel"), "ENOENT");
    assert.equal(found(view, "/dir/own/../../etc"), "/etc");
    const info = ({ mount, isMountPoint, path }: PinnedPath) => [path, mount.path, mount.readOnly, isMountPoint];
    using outer = view.resolve("/dir");
    using inner = view.resolve("/dir/own/deep");
    using same = view.at("/dir/own/deep");
    assert.deepEqual(info(outer), ["/dir", "/dir", true, true]);
    assert.deepEqual(info(inner), ["/dir/own/deep", "/dir/own", false, false]);
    assert.deepEqual(info(same!), info(inner));
    assert.ok(view.hasMountIn("/dir") && view.hasMountIn("/dir/own") && !view.hasMountIn("/di"));
    assert.equal(view.at("/rel/file"), undefined, "through no link");
  }),
);

Deno.test(
  "view: a blocked path is refused on every route",
  inDir((dir) => {
    make(dir, TREE);
    using view = viewOf(`${dir}/root`);
    view.close("/dir/sub", new RangeError("closed"));
    for (const path of ["/dir/sub", "/dir/sub/file", "/rel", "/rel/.."]) {
      assert.throws(() => view.resolve(path), /closed/, path);
    }
    assert.throws(() => view.at("/dir/sub/file"), /closed/);
    assert.equal(found(view, "/dir"), "/dir");
  }),
);

Deno.test(
  "view: a pinned directory that was moved out of the tree does not lead outside",
  inDir((dir) => {
    make(dir, { "root/a/b/c/f": "x", "root/secret": "root's", "secret": "outside" });
    using view = viewOf(`${dir}/root`);
    using pinned = view.resolve("/a/b/c");
    Deno.renameSync(`${dir}/root/a/b/c`, `${dir}/moved`);
    assert.equal(found(view, "/a/b/c"), "ENOENT");
    using file = view.child(pinned, "f");
    assert.ok(file !== undefined, "the pinned directory keeps its content");
    assert.throws(() => view.resolve("../../../secret/x", { from: pinned }), (thrown) => isErrno(thrown, "ENOTDIR"));
    using secret = view.resolve("../../../secret", { from: pinned });
    assert.equal(Deno.readTextFileSync(secret.handle.procPath), "root's");
  }),
);

Deno.test(
  "view: missing directories are created, links can be rejected",
  inDir((dir) => {
    make(dir, TREE);
    using view = viewOf(`${dir}/root`);
    const missing = (parent: PinnedPath, name: string) => {
      Deno.mkdirSync(`${parent.handle.procPath}/${name}`);
      return view.child(parent, name)!;
    };
    using made = view.resolve("/rel/new/deep/.", { onMissing: missing });
    assert.equal(made.path, "/dir/sub/new/deep");
    assert.ok(Deno.statSync(`${dir}/root/dir/sub/new/deep`).isDirectory);
    using through = view.resolve("/broken/.", { onMissing: missing });
    assert.equal(through.path, "/no/where");
    const link = (path: string): never => {
      throw new RangeError(path);
    };
    assert.throws(() => view.resolve("/rel/file", { onLink: link }), /^RangeError: \/rel$/);
    view.resolve("/rel", { onLink: link, follow: false })[Symbol.dispose]();
  }),
);
