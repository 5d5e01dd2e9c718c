import { strict as assert } from "node:assert";
import { requires } from "../requires.ts";
import { removeTree } from "../images/test_cache.ts";
import { diffTrees } from "./tree_diff.ts";
import { listTree, type TreeEntry } from "./tree_listing.ts";
import { Xattrs } from "./xattrs.ts";

async function withTree(use: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "tsd-tree-" });
  try {
    const script = `
      mkdir -m 1777 dir; printf hello >dir/file; ln dir/file dir/zlink; ln -s 'target here' soft
      mkfifo -m 620 pipe; mknod -m 666 null c 1 3; mknod disk b 7 9; printf x >"$(printf 'odd\\n\\344')"
      chown 1000:2000 dir/file; chmod 4755 dir/file; touch -d '2001-02-03T04:05:06.123456789Z' dir/file; touch -h -d @5 soft`;
    const made = await new Deno.Command("sh", { args: ["-ec", script], cwd: root }).output();
    assert.ok(made.success, new TextDecoder().decode(made.stderr));
    using xattrs = new Xattrs();
    xattrs.write(`${root}/dir/file`, "user.note", new Uint8Array([0, 255]));
    await use(root);
  } finally {
    await removeTree(root);
  }
}

Deno.test("a listing has every type of entry and attribute", requires("root"), () =>
  withTree(async (root) => {
    const tree = new Map((await listTree(root)).map((entry) => [entry.path, entry]));
    assert.deepEqual([...tree.keys()], [
      ".",
      "dir",
      "dir/file",
      "dir/zlink",
      "disk",
      "null",
      "odd\n\xe4",
      "pipe",
      "soft",
    ]);
    const sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const file: TreeEntry = {
      ...{
        path: "dir/file",
        type: "file",
        mode: 0o4755,
        uid: 1000,
        gid: 2000,
        mtime: "981173106.123456789",
        sizeBytes: 5,
      },
      ...{ sha256, xattrs: { "user.note": "00ff" }, hardLinkGroup: "dir/file" },
    };
    assert.deepEqual(tree.get("dir/file"), file);
    assert.equal(tree.get("dir/zlink")?.hardLinkGroup, "dir/file");
    assert.deepEqual([tree.get("dir")?.type, tree.get("dir")?.mode], ["dir", 0o1777]);
    assert.deepEqual([tree.get("soft")?.target, tree.get("soft")?.mtime], ["target here", "5.000000000"]);
    assert.deepEqual([tree.get("null")?.device, tree.get("disk")?.device], ["1:3", "7:9"]);
    assert.deepEqual([tree.get("pipe")?.type, tree.get("pipe")?.mode], ["fifo", 0o620]);
    assert.equal(tree.get("odd\n\xe4")?.sizeBytes, 1);
  }));

Deno.test("differences are reported field by field", requires("root"), () =>
  withTree(async (root) => {
    const before = await listTree(root);
    assert.deepEqual(diffTrees(before, await listTree(root), { includeRoot: true }), []);
    await Deno.writeTextFile(`${root}/dir/file`, "jello");
    await Deno.chmod(`${root}/pipe`, 0o600);
    await Deno.remove(`${root}/soft`);
    await Deno.mkdir(`${root}/new`);
    using xattrs = new Xattrs();
    xattrs.write(`${root}/dir`, "user.x", new Uint8Array([1]));
    const ignoreMtime = () => true;
    const findings = diffTrees(before, await listTree(root), { ignoreMtime });
    assert.deepEqual(findings.map((line) => line.replace(/[0-9a-f]{64}/g, "…")), [
      '"dir": xattrs are [["user.x","01"]], expected []',
      '"dir/file": sha256 is …, expected …',
      '"dir/zlink": sha256 is …, expected …',
      '"pipe": mode is 600, expected 620',
      '"soft": missing (expected symlink)',
      '"new": not expected (dir)',
    ]);
    assert.deepEqual(diffTrees(before, before.slice(0, -1), { ignore: (path) => path === "soft" }), []);
  }));
