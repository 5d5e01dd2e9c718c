import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import { Database } from "../../store/database.ts";
import { VolumeRecords } from "../../store/volume_records.ts";
import { fakeSink } from "../events/events_testing.ts";
import { VolumeEvents } from "../events/volume_events.ts";
import { namesIn } from "../directories.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { enginePaths } from "../paths.ts";
import { VolumeRenamer } from "./volume_rename.ts";
import { VolumeTable } from "./volume_table.ts";

async function withSetup(
  use: (setup: { renamer: VolumeRenamer; table: VolumeTable; all: string; reported: string[] }) => Promise<void>,
  requireUnused: () => void = () => undefined,
) {
  const dir = await Deno.makeTempDir({ prefix: "tsd-volumes-" });
  try {
    using db = Database.open(":memory:");
    const table = new VolumeTable(new VolumeRecords(db));
    for (const name of ["data", "taken"]) {
      table.insert({ name, createdMs: 1, labels: null, options: null });
      await Deno.mkdir(`${dir}/volumes/${name}/_data`, { recursive: true });
    }
    const reported: string[] = [];
    const events = new VolumeEvents(
      fakeSink(({ action, actorId, attributes }) => reported.push(`${action} ${actorId} ${attributes.oldName}`)),
    );
    const paths = await enginePaths(dir);
    const renamer = new VolumeRenamer({ paths, table, events, locks: new KeyedLock(), volumes: { requireUnused } });
    await use({ renamer, table, reported, all: `${dir}/volumes` });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const refused = (code: ErrorCode) => (thrown: unknown) => isTsdError(thrown, code);
const namesOf = (table: VolumeTable) => table.list().map(({ name }) => name);

Deno.test("row and folder change together; two at once take turns", async () => {
  await withSetup(async ({ renamer, table, all, reported }) => {
    const [first, second] = await Promise.allSettled([renamer.rename("data", "new"), renamer.rename("data", "newer")]);
    assert.deepEqual([first.status, second.status], ["fulfilled", "rejected"]);
    assert.deepEqual(namesOf(table), ["new", "taken"]);
    assert.deepEqual((await namesIn(all)).sort(), ["new", "taken"]);
    assert.deepEqual(reported, ["rename new data"]);
  });
});

Deno.test("names that can't be, are taken or in use change nothing", async () => {
  await withSetup(async ({ renamer, table, all }) => {
    await assert.rejects(renamer.rename("nosuch", "new"), refused("not_found"));
    await assert.rejects(renamer.rename("data", "../new"), refused("invalid_argument"));
    await assert.rejects(renamer.rename("data", "data"), refused("invalid_argument"));
    await assert.rejects(renamer.rename("data", "taken"), refused("name_in_use"));
    await Deno.mkdir(`${all}/orphan/_data`, { recursive: true });
    await assert.rejects(renamer.rename("data", "orphan"), refused("name_in_use"));
    assert.deepEqual(namesOf(table), ["data", "taken"]);
  });
  const inUse = () => {
    throw new TsdError("conflict", "in use");
  };
  await withSetup(async ({ renamer, all }) => {
    await assert.rejects(renamer.rename("data", "new"), refused("conflict"));
    assert.deepEqual((await namesIn(all)).sort(), ["data", "taken"]);
  }, inUse);
});

Deno.test("what was cut short is finished, or as if it had never been", async () => {
  await withSetup(async ({ renamer, table, all }) => {
    // Killed before the row changed.
    await Deno.writeTextFile(`${all}/.renamed-never`, "taken");
    // Killed between row and folder.
    await Deno.writeTextFile(`${all}/.renamed-new`, "data");
    table.rename(table.find("data"), "new");
    await renamer.finish();
    assert.deepEqual((await namesIn(all)).sort(), ["new", "taken"]);
    // Killed behind both.
    await Deno.writeTextFile(`${all}/.renamed-new`, "data");
    await renamer.finish();
    assert.deepEqual((await namesIn(all)).sort(), ["new", "taken"]);
  });
});
