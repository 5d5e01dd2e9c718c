import { strict as assert } from "node:assert";
import { FakeTerminal } from "../../../cli/terminal_testing.ts";
import { followed } from "./copy_names.ts";
import { CopyMeter, destinationOf } from "./copying.ts";
import { checkOutputPath, localPath, localSource, localTarget } from "./local_files.ts";

Deno.test("cp: the destination's directory and name are determined as in Docker", () => {
  const file = { path: "/src/f", isDir: false };
  const directory = { path: "/src/d", isDir: true };
  const content = { path: "/src/d/.", isDir: true };
  const at = (path: string, found?: "folder" | "other") => ({ path, found });
  assert.deepEqual(destinationOf(file, at("/dst", "folder")), { dir: "/dst", name: "f" });
  assert.deepEqual(destinationOf(file, at("/dst/new")), { dir: "/dst", name: "new" });
  assert.deepEqual(destinationOf(file, at("/dst/old", "other")), { dir: "/dst", name: "old" });
  assert.deepEqual(destinationOf(directory, at("/dst/", "folder")), { dir: "/dst/", name: "d" });
  assert.deepEqual(destinationOf(directory, at("/dst/new/")), { dir: "/dst", name: "new" });
  assert.deepEqual(destinationOf(content, at("/dst", "folder")), { dir: "/dst", name: "." });
  assert.deepEqual(destinationOf(content, at("/dst/new")), { dir: "/dst", name: "new" });
  assert.deepEqual(destinationOf({ ...file, otherName: "link" }, at("/dst", "folder")), {
    dir: "/dst",
    name: "link",
  });
  assert.throws(() => destinationOf(directory, at("/dst/old", "other")), /^StatusError: cannot copy directory$/);
  assert.throws(() => destinationOf(file, at("/dst/new/")), /^StatusError: no such directory$/);
  assert.throws(() => destinationOf(file, at("/dst/new/.")), /^StatusError: no such directory$/);
});

Deno.test("cp: a followed link keeps its name", () => {
  assert.deepEqual(followed("/a/l", "/b/t"), { path: "/b/t", otherName: "l" });
  assert.deepEqual(followed("/a/l/", "/b/t"), { path: "/b/t/", otherName: "l" });
  assert.deepEqual(followed("/a/l/.", "/b/t"), { path: "/b/t/." });
  assert.deepEqual(followed("/a/x", "/b/x"), { path: "/b/x" });
});

Deno.test("cp: local paths are resolved as in Docker", async () => {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const directory of ["d", "real/inner"]) await Deno.mkdir(`${dir}/${directory}`, { recursive: true });
    await Deno.writeTextFile(`${dir}/f`, "");
    for (const [name, to] of [["l", "d"], ["lf", "f"], ["loop", "loop"], ["new", "d/made"], ["bad", "no/where"]]) {
      await Deno.symlink(to!, `${dir}/${name}`);
    }
    assert.equal(localPath(`${dir}/x/../f`), `${dir}/f`);
    assert.equal(localPath("x/."), `${Deno.cwd()}/x/.`);
    const source = (path: string, followLink = false) => {
      const { path: found, isDir, otherName } = localSource(`${dir}/${path}`, { followLink });
      return [found.replace(dir, ""), isDir, otherName];
    };
    assert.deepEqual(source("f"), ["/f", false, undefined]);
    assert.deepEqual(source("d/."), ["/d/.", true, undefined]);
    assert.deepEqual(source("l"), ["/l", false, undefined]);
    assert.deepEqual(source("l/"), ["/d/", true, "l"]);
    assert.deepEqual(source("l", true), ["/d", true, "l"]);
    assert.deepEqual(source("l/.", true), ["/d/.", true, undefined]);
    assert.throws(() => source("nothing"), /lstat .*\/nothing: no such file or directory$/);
    assert.throws(() => source("no/thing"), /lstat .*\/no: no such file or directory$/);
    assert.throws(() => source("f/"), /no such file or directory|not a directory$/);
    const target = (path: string) => {
      const { path: end, found } = localTarget(`${dir}/${path}`);
      return [end.replace(dir, ""), found];
    };
    assert.deepEqual(target("f"), ["/f", "other"]);
    assert.deepEqual(target("l"), ["/d", "folder"]);
    assert.deepEqual(target("lf"), ["/f", "other"]);
    assert.deepEqual(target("new"), ["/d/made", undefined]);
    assert.deepEqual(target("d/made/"), ["/d/made/", undefined]);
    assert.throws(() => target("loop"), /too many symlinks in/);
    assert.throws(() => target("bad"), /stat .*\/no: no such file or directory$/);
    checkOutputPath(`${dir}/anything`);
    assert.throws(
      () => checkOutputPath(`${dir}/no/x`),
      /^StatusError: invalid output path: directory ".*\/no" does not exist$/,
    );
    assert.throws(
      () => checkOutputPath("/dev/null"),
      /"\/dev\/null" must be a directory or a regular file: got a device$/,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("cp: the number of copied bytes is shown on a terminal and printed at the end", async () => {
  const chunks = [new Uint8Array(1500), new Uint8Array(548)];
  const terminal = new FakeTerminal({ ttys: ["stderr"] });
  const meter = new CopyMeter(terminal, "Copying to container - ", { quiet: false });
  assert.deepEqual(await Array.fromAsync(meter.measured(chunks)), chunks);
  await meter.clear();
  await meter.done("web:/x");
  assert.equal(
    terminal.stderr,
    "\r\x1b[KCopying to container - 1.5kB\r\x1b[KSuccessfully copied 2.05kB to web:/x\n",
  );
  const quiet = new FakeTerminal({ ttys: ["stderr"] });
  const silent = new CopyMeter(quiet, "Copying to container - ", { quiet: true });
  await Array.fromAsync(silent.measured(chunks));
  await silent.clear();
  assert.equal(quiet.stderr, "");
});
