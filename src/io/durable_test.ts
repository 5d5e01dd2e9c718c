import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { makeDirDurably, storageError, syncDir, writeFileDurably } from "./mod.ts";

async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const names = (dir: string) => Array.from(Deno.readDirSync(dir), (entry) => entry.name);

Deno.test("makeDirDurably creates and syncs missing parents, once", async () => {
  const root = await Deno.makeTempDir({ prefix: "tsd-durable-" });
  const { sync } = Deno.FsFile.prototype;
  let syncs = 0;
  Deno.FsFile.prototype.sync = function () {
    syncs++;
    return sync.call(this);
  };
  try {
    await makeDirDurably(`${root}/a/b/c`, 0o700);
    assert.equal((await Deno.stat(`${root}/a/b/c`)).mode! & 0o777, 0o700);
    assert.equal(syncs, 3);
    await makeDirDurably(`${root}/a/b/c`, 0o700);
    await makeDirDurably(`${root}/a/b/d`, 0o700);
    assert.equal(syncs, 4);
    await Deno.writeTextFile(`${root}/file`, "");
    await assert.rejects(makeDirDurably(`${root}/file/d`, 0o700), { code: "storage" });
  } finally {
    Deno.FsFile.prototype.sync = sync;
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("writeFileDurably creates and replaces a file, and leaves no temporary file", () =>
  inTempDir(async (dir) => {
    const path = `${dir}/state.json`;
    await writeFileDurably(path, new TextEncoder().encode("one"));
    await writeFileDurably(path, new TextEncoder().encode("two"), { mode: 0o600 });
    assert.equal(await Deno.readTextFile(path), "two");
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.deepEqual(names(dir), ["state.json"]);
  }));

Deno.test("a failed write names the file and leaves no temporary file", () =>
  inTempDir(async (dir) => {
    await Deno.mkdir(`${dir}/taken/child`, { recursive: true });
    await assert.rejects(
      writeFileDurably(`${dir}/taken`, new Uint8Array(1)),
      (error: Error) => isTsdError(error, "storage") && error.message.startsWith(`Cannot write ${dir}/taken: `),
    );
    assert.deepEqual(names(dir), ["taken"]);
    await assert.rejects(writeFileDurably(`${dir}/none/x`, new Uint8Array(1)), (error: Error) => isTsdError(error));
  }));

Deno.test("syncDir syncs a directory and fails on a missing one", () =>
  inTempDir(async (dir) => {
    await syncDir(dir);
    await assert.rejects(syncDir(`${dir}/none`), (error: Error) => isTsdError(error, "storage"));
  }));

Deno.test("a full disk or quota has the code storage_full", () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    assert.equal(storageError("Cannot write x", Object.assign(new Error("no space"), { code })).code, "storage_full");
  }
  assert.equal(storageError("Cannot write x", new Error("other")).message, "Cannot write x: other");
});
