import { strict as assert } from "node:assert";
import { Database, isConstraintError } from "./database.ts";
import { isTsdError } from "../errors.ts";

Deno.test("a transaction that throws is rolled back", () => {
  using db = Database.open(":memory:");
  const insert = (id: string) =>
    db.run("INSERT INTO images (id, manifest_digest, size_bytes, added_ms) VALUES (?, 'm', 1, 1)", id);
  assert.throws(() =>
    db.transaction(() => {
      insert("a");
      throw new Error("stop");
    })
  );
  assert.equal(db.get("SELECT count(*) AS n FROM images")?.n, 0);
  db.transaction(() => insert("a"));
  assert.equal(db.get("SELECT count(*) AS n FROM images")?.n, 1);
});

Deno.test("a violated constraint is recognised by its code", () => {
  using db = Database.open(":memory:");
  const insert = () => db.run("INSERT INTO containers VALUES ('1', 'web', 1, 'sha256:x', '{}', '{}')");
  insert();
  assert.throws(insert, (thrown) => isConstraintError(thrown));
  assert.equal(isConstraintError(new Error("UNIQUE")), false);
});

Deno.test("a database of a newer tsd is rejected with a one-line error", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/tsd.db`;
    {
      using db = Database.open(path);
      db.run("PRAGMA user_version=999");
    }
    assert.throws(
      () => Database.open(path),
      (thrown) => isTsdError(thrown, "storage") && /newer tsd/.test(thrown.message),
    );
    {
      await Deno.writeTextFile(
        path,
        "this is no database, but a text that is long enough to be read as a header......",
      );
    }
    assert.throws(() => Database.open(path), (thrown) => isTsdError(thrown, "storage"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("writes with Soon are in the log at once, and only synced() waits for the disk", async () => {
  const dir = await Deno.makeTempDir();
  const { syncData } = Deno.FsFile.prototype;
  let syncs = 0;
  Deno.FsFile.prototype.syncData = function () {
    syncs++;
    return syncData.call(this);
  };
  try {
    await Deno.mkdir(`${dir}/copy`);
    using db = Database.open(`${dir}/tsd.db`);
    const insert = (id: string) => `INSERT INTO containers VALUES ('${id}', '${id}', 1, 'sha256:x', '{}', '{}')`;
    db.runSoon(insert("a"));
    db.transactionSoon(() => {
      db.run(insert("b"));
      db.runSoon(insert("c"));
    });
    assert.throws(() => db.transactionSoon(() => db.runSoon("INSERT INTO nothing VALUES (1)")));
    assert.throws(() => db.transactionSoon(() => db.transaction(() => {})), /inside one that need not/);
    assert.equal(syncs, 0);
    await Promise.all([db.synced(), db.synced()]);
    await db.synced();
    assert.equal(syncs, 1);
    db.run(insert("d"));
    await db.synced();
    assert.equal(syncs, 1);
    // As after a kill: the database was not closed.
    for (const name of ["tsd.db", "tsd.db-wal"]) await Deno.copyFile(`${dir}/${name}`, `${dir}/copy/${name}`);
    using found = Database.open(`${dir}/copy/tsd.db`);
    assert.deepEqual(found.all("SELECT id FROM containers ORDER BY id").map(({ id }) => id), ["a", "b", "c", "d"]);
  } finally {
    Deno.FsFile.prototype.syncData = syncData;
    await Deno.remove(dir, { recursive: true });
  }
});
