import { strict as assert } from "node:assert";
import { Database, isConstraintError } from "./database.ts";
import { isTsdError } from "../errors.ts";

Deno.test("a transaction that throws leaves nothing", () => {
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

Deno.test("a broken constraint is recognised by its code", () => {
  using db = Database.open(":memory:");
  const insert = () => db.run("INSERT INTO containers VALUES ('1', 'web', 1, 'sha256:x', '{}', '{}')");
  insert();
  assert.throws(insert, (thrown) => isConstraintError(thrown));
  assert.equal(isConstraintError(new Error("UNIQUE")), false);
});

Deno.test("a database of a newer tsd is refused with one line", async () => {
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
