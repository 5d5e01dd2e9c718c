import { strict as assert } from "node:assert";
import { requires } from "../../../tests/requires.ts";
import { sha256Hex } from "../../hash/mod.ts";
import { digestOfHex, hexOf } from "../../image/digest.ts";
import { streamOf } from "../../io/mod.ts";
import { FakeSys } from "../../sys/fake_testing.ts";
import { cString, fileFlags, files, FS_FL, O, OwnedFd } from "../../sys/mod.ts";
import { END_OF_TAR } from "../../tar/mod.ts";
import { concat, rawFile } from "../../tar/tar_testing.ts";
import { removeDir } from "../directory_driver/clearing.ts";
import { namesIn, sweepIngest } from "../directory_driver/staging_dir.ts";
import { ErofsLayerStore } from "./layer_store.ts";
import { Immutability } from "./immutability.ts";

const root = requires("root");
const TAR = concat(rawFile("f", "content"), END_OF_TAR);
const DIFF_ID = digestOfHex(await sha256Hex(TAR, "native"));

async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-seals-" });
  try {
    await body(dir);
  } finally {
    await removeDir(dir);
  }
}

function isImmutable(path: string): boolean {
  using file = new OwnedFd(files.open(cString(path), O.RDONLY | O.NOFOLLOW));
  return (fileFlags.fileFlags(file.fd) & FS_FL.IMMUTABLE) !== 0;
}

/** Returns whether the file system and this process's capabilities support the immutable flag. */
async function isImmutableSupported(dir: string): Promise<boolean> {
  return (await new Immutability().describe(dir)).startsWith("immutable");
}

Deno.test("the files of a committed layer are immutable, and can be removed through the store", root, async () => {
  await inTempDir(async (dir) => {
    using store = new ErofsLayerStore({ root: dir });
    await store.ingest(streamOf(TAR), { diffId: DIFF_ID });
    const directory = `${dir}/layers/${hexOf(DIFF_ID)}`;
    const isProtected = await isImmutableSupported(dir);
    const states = () => ["layer.tar", "index.erofs"].map((name) => isImmutable(`${directory}/${name}`));
    assert.deepEqual(states(), [isProtected, isProtected]);
    if (isProtected) {
      await assert.rejects(Deno.writeTextFile(`${directory}/layer.tar`, "x"), Deno.errors.PermissionDenied);
      await assert.rejects(Deno.remove(`${directory}/layer.tar`), Deno.errors.PermissionDenied);
    }
    new Immutability().unprotect(`${directory}/index.erofs`);
    await Deno.remove(`${directory}/index.erofs`);
    await store.verify(DIFF_ID);
    assert.deepEqual(states(), [isProtected, isProtected], "a rebuilt index");
    await store.remove(DIFF_ID);
    assert.deepEqual([await store.list(), await namesIn(`${dir}/ingest`)], [[], []]);
  });
});

Deno.test("a sweep removes immutable files that a crash left behind", root, async () => {
  await inTempDir(async (dir) => {
    using store = new ErofsLayerStore({ root: dir });
    await store.ingest(streamOf(TAR), { diffId: DIFF_ID });
    // As if the engine was killed just before a layer's commit, or while it removed one.
    await Deno.mkdir(`${dir}/ingest/abandoned`, { recursive: true });
    await Deno.rename(`${dir}/layers/${hexOf(DIFF_ID)}`, `${dir}/ingest/abandoned/layer`);
    assert.equal(await sweepIngest(dir), 1);
    assert.deepEqual(await namesIn(`${dir}/ingest`), []);
  });
});

Deno.test("protected directories are removed at any depth, and nothing behind links", root, async () => {
  await inTempDir(async (dir) => {
    if (!await isImmutableSupported(dir)) return;
    await Deno.writeTextFile(`${dir}/outside`, "");
    new Immutability().protect(`${dir}/outside`);
    const deep = `${dir}/gone/${"d/".repeat(200)}`;
    await Deno.mkdir(deep, { recursive: true });
    await Deno.writeTextFile(`${deep}f`, "");
    await Deno.symlink(`${dir}/outside`, `${deep}link`);
    const protect = (path: string, flag: number) => {
      using file = new OwnedFd(files.open(cString(path), O.RDONLY));
      fileFlags.setFileFlags(file.fd, fileFlags.fileFlags(file.fd) | flag);
    };
    protect(`${deep}f`, FS_FL.IMMUTABLE);
    protect(deep, FS_FL.APPEND);
    protect(`${dir}/gone/d`, FS_FL.IMMUTABLE);
    await removeDir(`${dir}/gone`);
    assert.deepEqual((await namesIn(dir)).sort(), ["ingest", "outside"]);
    assert.ok(isImmutable(`${dir}/outside`));
  });
});

Deno.test("an unsupported protection is tried once, and reported", root, async () => {
  await inTempDir(async (dir) => {
    const sys = new FakeSys().script("enableVerity", { error: "EOPNOTSUPP" }).script("setFileFlags", {
      error: "EPERM",
    });
    const seals = new Immutability(sys.calls);
    assert.equal(
      await seals.describe(dir),
      "no immutable (operation not permitted), no fs-verity (operation not supported)",
    );
    const count = sys.recorded.length;
    seals.protect("/layer.tar");
    seals.unprotect("/layer.tar");
    assert.equal(sys.recorded.length, count);
    assert.deepEqual([...sys.openFds], []);
  });
});

Deno.test("fs-verity is enabled first, since an immutable file accepts no other protection", () => {
  const sys = new FakeSys().script("fileFlags", { value: 0x80000 }).script("enableVerity", { error: "ETXTBSY" });
  const seals = new Immutability(sys.calls);
  seals.protect("/a");
  assert.deepEqual(sys.names, ["open", "enableVerity", "fileFlags", "setFileFlags", "close"]);
  assert.deepEqual(sys.argsOf("setFileFlags"), [[100, 0x80000 | FS_FL.IMMUTABLE]]);
  // ETXTBSY does not mean that fs-verity is unsupported.
  seals.protect("/b");
  assert.equal(sys.argsOf("enableVerity").length, 2);
});

Deno.test("a failing disk is not mistaken for a file system without protections", () => {
  const sys = new FakeSys().script("setFileFlags", { error: "EIO" });
  assert.throws(() => new Immutability(sys.calls).protect("/a"), { errnoName: "EIO" });
  assert.deepEqual([...sys.openFds], []);
});
