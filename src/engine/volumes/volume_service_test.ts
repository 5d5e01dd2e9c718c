import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type Plugin } from "../../plugins/mod.ts";
import { Database } from "../../store/database.ts";
import { VolumeRecords } from "../../store/volume_records.ts";
import { fakeSink } from "../events/events_testing.ts";
import { VolumeEvents } from "../events/volume_events.ts";
import { namesIn } from "../directories.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { enginePaths, volumePaths } from "../paths.ts";
import { IncompleteVolumes } from "./incomplete_volumes.ts";
import type { VolumeRequest } from "./volume_request.ts";
import { VolumeService, type VolumeUser } from "./volume_service.ts";
import { VolumeTable } from "./volume_table.ts";

const request = (name: string, more: Partial<VolumeRequest> = {}): VolumeRequest => (
  { name, labels: null, options: null, ...more }
);
const refused = (code: ErrorCode, message: RegExp) => (thrown: unknown) =>
  isTsdError(thrown, code) && message.test(thrown.message);

async function withSetup(
  use: (
    setup: {
      service: VolumeService;
      table: VolumeTable;
      reported: string[];
      hooked: string[];
      users: VolumeUser[];
      dir: string;
      again: () => VolumeTable;
      data: (name: string) => string;
    },
  ) => Promise<void>,
) {
  const dir = await Deno.makeTempDir({ prefix: "tsd-volumes-" });
  try {
    using db = Database.open(":memory:");
    const paths = await enginePaths(dir);
    const table = new VolumeTable(new VolumeRecords(db));
    const reported: string[] = [];
    const users: VolumeUser[] = [];
    const events = new VolumeEvents(fakeSink(({ action, actorId }) => reported.push(`${action} ${actorId}`)));
    const hooked: string[] = [];
    const observer: Plugin = {
      ...{ name: "observer", apiVersion: 1 },
      hooks: { "volume.created": ({ name, labels }) => void hooked.push(`${name} ${JSON.stringify(labels)}`) },
    };
    const service = new VolumeService({
      hooks: new HookBus([observer], SILENT_LOG),
      ...{ paths, table, events, locks: new KeyedLock(), log: SILENT_LOG },
      incomplete: new IncompleteVolumes(paths),
      usersOf: () => users,
    });
    const again = () => new VolumeTable(new VolumeRecords(db));
    await use({ service, table, reported, hooked, users, dir, again, data: (name) => volumePaths(paths, name).data });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a volume is made once, has a folder, and is there for the next engine", async () => {
  await withSetup(async ({ service, reported, hooked, again, data }) => {
    const labels = { owner: "me" };
    const made = await service.create(request("data", { labels }));
    await Deno.writeTextFile(`${data("data")}/kept`, "text");
    assert.deepEqual(await service.create(request("data", { labels: { other: "one" } })), made);
    assert.deepEqual([reported, hooked], [["create data"], ['data {"owner":"me"}']]);
    assert.deepEqual(again().list(), [made]);
    assert.deepEqual(made.labels, labels);
    assert.equal(await Deno.readTextFile(`${data("data")}/kept`), "text");
    assert.equal((await Deno.stat(data("data"))).mode! & 0o777, 0o755);
  });
});

Deno.test("without a name it gets one, and says that it is anonymous", async () => {
  await withSetup(async ({ service }) => {
    const { name, labels } = await service.create(request("", { labels: { a: "b" } }));
    assert.match(name, /^[0-9a-f]{64}$/);
    assert.deepEqual(labels, { a: "b", "com.docker.volume.anonymous": "" });
  });
});

Deno.test("names, drivers and options that can't be are refused in Docker's words", async () => {
  const cases: [Partial<VolumeRequest>, ErrorCode, RegExp][] = [
    [{ name: "x" }, "invalid_argument", /^create x: volume name is too short, names should be at least two alpha/],
    [{ name: "../x" }, "invalid_argument", /^create \.\.\/x: "\.\.\/x" includes invalid characters for a local vol/],
    [{ name: "é" }, "invalid_argument", /^create é: "é" includes invalid characters/],
    [{ name: "v".repeat(256) }, "invalid_argument", /longer than 255/],
    [{ driver: "odd" }, "not_found", /^create data: error looking up volume plugin odd: plugin "odd" not found$/],
    [{ options: { odd: "" } }, "invalid_argument", /^create data: invalid option: "odd"$/],
    [{ options: { type: "none" } }, "invalid_argument", /^create data: missing required option: "device"$/],
    [{ options: { o: "bind", device: "/", type: "none", size: "1g" } }, "invalid_argument", /no quota support$/],
    [{ options: { type: "nfs", device: ":/" } }, "not_implemented", /^create data: type nfs is not supported: /],
  ];
  await withSetup(async ({ service, table, dir }) => {
    for (const [more, code, message] of cases) {
      await assert.rejects(service.create(request("data", more)), refused(code, message));
    }
    assert.deepEqual(table.list(), []);
    assert.deepEqual(await namesIn(`${dir}/volumes`), []);
  });
});

Deno.test("a removal takes all of it; what is used or reserved stays, and those who use it are named", async () => {
  await withSetup(async ({ service, table, users, reported, dir }) => {
    await service.create(request("data"));
    users.push({ id: "c1", name: "web" }, { id: "c2", name: "db" });
    await assert.rejects(service.remove("data"), refused("conflict", /^remove data: volume is in use - \[c1, c2\]$/));
    await assert.rejects(service.remove("data", { user: "c1" }), refused("conflict", /^remove data: .* - \[c2\]$/));
    users.pop();
    {
      using _ = service.reserve("data");
      await assert.rejects(service.remove("data", { user: "c1" }), refused("conflict", /is in use/));
    }
    await service.remove("data", { user: "c1" });
    await service.create(request("data"));
    users.length = 0;
    {
      using _first = service.reserve("data");
      using _second = service.reserve("data");
      await assert.rejects(service.remove("data", { force: true }), refused("conflict", /is in use/));
    }
    await service.remove("data");
    assert.deepEqual(reported, ["create data", "destroy data", "create data", "destroy data"]);
    assert.deepEqual([table.list(), await namesIn(`${dir}/volumes`)], [[], []]);
    await assert.rejects(service.remove("data"), refused("not_found", /^get data: no such volume$/));
    await service.remove("data", { force: true });
    assert.throws(() => service.reserve("data"), refused("not_found", /no such volume/));
  });
});

Deno.test("a volume that a killed engine was still making is swept, one that was finished or is used stays", async () => {
  await withSetup(async ({ service, table, users, reported, dir }) => {
    const { isNew } = await service.begin(request("half"));
    assert.equal(isNew, true);
    assert.equal((await service.begin(request("half"))).isNew, false);
    users.push({ id: "c1", name: "web" });
    await service.sweep();
    assert.equal(table.list().length, 1);
    users.length = 0;
    await service.sweep();
    assert.deepEqual([table.list(), await namesIn(`${dir}/volumes`)], [[], []]);
    assert.deepEqual(reported, ["create half", "destroy half"]);
    await service.begin(request("whole"));
    await new IncompleteVolumes(await enginePaths(dir)).finish("whole", "making");
    await service.sweep();
    assert.deepEqual(await namesIn(`${dir}/volumes/whole`), ["_data"]);
  });
});

Deno.test("what a killed engine left of a removal is swept; volumes stay", async () => {
  await withSetup(async ({ service, dir }) => {
    await service.create(request("data"));
    await Deno.mkdir(`${dir}/volumes/.removed-1/_data/deep`, { recursive: true });
    await service.sweep();
    assert.deepEqual(await namesIn(`${dir}/volumes`), ["data"]);
  });
});

Deno.test("a removal that was cut off is finished once its row has gone; files that nobody gave up stay", async () => {
  await withSetup(async ({ service, table, dir, data }) => {
    const incomplete = new IncompleteVolumes(await enginePaths(dir));
    for (const name of ["cut", "kept", "foreign", "begun"]) {
      await service.create(request(name));
      if (name !== "begun") await Deno.writeTextFile(`${data(name)}/file`, "text");
    }
    for (const name of ["cut", "kept"]) incomplete.beginRemoval(name);
    for (const name of ["cut", "foreign", "begun"]) table.remove(name);
    await Deno.writeTextFile(`${dir}/volumes/stray`, "");
    await service.sweep();
    assert.deepEqual((await namesIn(`${dir}/volumes`)).sort(), ["foreign", "kept", "stray"]);
    assert.deepEqual([await namesIn(`${dir}/volumes/kept`), await namesIn(data("foreign"))], [["_data"], ["file"]]);
  });
});

Deno.test("a volume whose folder somebody took away can be removed", async () => {
  await withSetup(async ({ service, table, dir }) => {
    await service.create(request("data"));
    await Deno.remove(`${dir}/volumes/data`, { recursive: true });
    await service.remove("data");
    assert.deepEqual(table.list(), []);
  });
});
