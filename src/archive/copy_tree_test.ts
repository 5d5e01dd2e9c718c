import { strict as assert } from "node:assert";
import { requires } from "../../tests/requires.ts";
import { cString, files, metadata, O, OwnedFd, tree, xattrs } from "../sys/mod.ts";
import { type CopyOptions, copyTree } from "./copy_tree.ts";
import { TreeView } from "./tree_view.ts";

async function output(script: string, cwd: string): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("sh", { args: ["-euc", script], cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/**
 * Lists all attributes of a tree that a copy keeps: everything but inode numbers, change times, and sizes and link
 * counts of directories.
 */
const LISTING =
  "find . -printf '%p %y %m %U:%G %n %s %T@ %l\\n' | sed -E 's,^(\\S+ d \\S+ \\S+ )\\S+ \\S+,\\1,' | sort";

function copied(from: string, to: string, options: CopyOptions = {}): void {
  const open = (path: string, flags: number) => new OwnedFd(files.open(cString(path), flags | O.DIRECTORY));
  using view = new TreeView(open(from, O.PATH));
  using start = view.root();
  using target = open(to, O.RDONLY);
  for (const _ of copyTree(view, start, target, options));
}

Deno.test({
  name: "copyTree copies owners, modes, times, links, devices, attributes, holes",
  ...requires("root"),
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "tsd-copy-" });
    try {
      const [from, to] = [`${dir}/from`, `${dir}/to`];
      for (const directory of [from, to]) await Deno.mkdir(directory);
      await output(
        `mkdir -p a/b; printf text >a/f; ln a/f a/b/second; ln -s ../nowhere a/link; mkfifo a/p; mknod a/null c 1 3
         : >empty; chown 7:8 a/f a; chown -h 9:9 a/link; chmod 4755 a/f; chmod 1777 a/b; chmod 2750 .
         truncate -s 3M hole; printf x | dd of=hole bs=1 seek=2000000 conv=notrunc status=none
         touch -h -d '2001-02-03 04:05:06.789' a/link a/f a/p a/b a .`,
        from,
      );
      {
        using file = new OwnedFd(files.open(cString(`${from}/a/f`), O.RDONLY));
        xattrs.fsetxattr(file.fd, cString("user.note"), new TextEncoder().encode("kept"));
        using directory = new OwnedFd(files.open(cString(from), O.RDONLY));
        tree.mknodat(directory.fd, cString("socket"), 0o140644);
        metadata.futimens(directory.fd, { seconds: 981_173_106n, nanoseconds: 5 }, {
          seconds: 981_173_106n,
          nanoseconds: 5,
        });
      }
      copied(from, to);
      const expected = (await output(LISTING, from)).replace(/^\.\/socket .*\n/m, "");
      assert.equal(await output(LISTING, to), expected);
      assert.equal(await output("cat a/b/second; cmp hole ../from/hole", to), "text");
      using file = new OwnedFd(files.open(cString(`${to}/a/f`), O.RDONLY));
      assert.equal(new TextDecoder().decode(xattrs.fgetxattr(file.fd, cString("user.note"))), "kept");
      assert.ok((await Deno.stat(`${to}/hole`)).blocks! < 3 * 2048, "holes stay holes");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "copyTree with `replaces` completes an interrupted copy",
  ...requires("root"),
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "tsd-copy-" });
    try {
      const [from, to] = [`${dir}/from`, `${dir}/to`];
      for (const directory of [from, to]) await Deno.mkdir(directory);
      await output(
        "mkdir a f; echo text >a/f; ln -s /etc/passwd l; echo 1 >f/x; mkfifo p; chown 7 a/f; chmod 700 a",
        from,
      );
      await output("mkdir -p a l/deep; printf te >a/f; echo >f; ln -s /nowhere p; echo >theirs", to);
      assert.throws(() => copied(from, to), /EEXIST/);
      copied(from, to, { replaces: true });
      await Deno.remove(`${to}/theirs`);
      await output("touch -r ../from .", to);
      assert.equal(await output(LISTING, to), await output(LISTING, from));
      assert.equal(await output("cat a/f f/x", to), "text\n1\n");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
