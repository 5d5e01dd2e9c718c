import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { cString, files, O, OwnedFd } from "../../sys/mod.ts";
import { openSubpath } from "./subpath.ts";

/** A directory outside, and beside it one to look into, with files and links. */
async function withTree(use: (open: (subpath: string) => string, base: string) => void): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "tsd-subpath-" }));
  try {
    const base = `${root}/base`;
    for (const path of ["sub/deep", "links", "bin"]) await Deno.mkdir(`${base}/${path}`, { recursive: true });
    await Deno.mkdir(`${root}/outside`);
    await Deno.writeTextFile(`${base}/file`, "");
    const links = {
      root: "/",
      passwd: "/etc/passwd",
      nowhere: "/no/such/path",
      own: `${base}/sub`,
      up: "../../outside",
      around: "../../base/sub",
      good: "../sub",
      chain: "good",
      bad: "root",
      dangling: "nothing",
      self: "self",
    };
    for (const [name, target] of Object.entries(links)) await Deno.symlink(target, `${base}/links/${name}`);
    using directory = new OwnedFd(files.open(cString(base), O.PATH | O.DIRECTORY));
    const open = (subpath: string) => {
      using found = openSubpath({ fd: directory.fd, path: base }, subpath, files);
      return Deno.readLinkSync(found.procPath);
    };
    use(open, base);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("a subpath: directories, files, and links that stay inside", async () => {
  await withTree((open, base) => {
    const found = {
      "sub": "sub",
      "./sub//deep/": "sub/deep",
      "file": "file",
      "links/good": "sub",
      "links/chain/deep": "sub/deep",
      "links/good/../../bin": "bin",
      "nothing/../bin": "bin",
    };
    for (const [subpath, path] of Object.entries(found)) assert.equal(open(subpath), `${base}/${path}`, subpath);
    assert.equal(open("."), base);
  });
});

Deno.test("a subpath through a link that leads out is refused, wherever it leads", async () => {
  await withTree((open, base) => {
    const out = ["root", "root/etc", "bad", "passwd", "nowhere", "own", "up", "around/deep"];
    for (const subpath of out.map((name) => `links/${name}`)) {
      assert.throws(() => open(subpath), {
        code: "invalid_argument",
        message: `path concatenation escapes the base directory, base: ${base}, subpath: ${subpath}`,
      });
    }
  });
});

Deno.test("a subpath that leads nowhere is refused in dockerd's words", async () => {
  await withTree((open, base) => {
    const missing = { "none": "none", "sub/none/deeper": "sub/none", "links/dangling/x": "links/dangling" };
    for (const [subpath, first] of Object.entries(missing)) {
      assert.throws(() => open(subpath), {
        code: "not_found",
        message: `cannot access path ${base}/${subpath}: lstat ${base}/${first}: no such file or directory`,
      });
    }
    const wrong = { "file/x": "not a directory", "links/self": "EvalSymlinks: too many links" };
    for (const [subpath, why] of Object.entries(wrong)) {
      assert.throws(() => open(subpath), {
        code: "invalid_argument",
        message: `error while resolving symlinks in combined path "${base}/${subpath}": ${why}`,
      });
    }
  });
});
