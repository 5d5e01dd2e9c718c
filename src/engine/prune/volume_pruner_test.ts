import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import type { VolumeUser } from "../volumes/volume_service.ts";
import { LayerLedger } from "./layer_ledger.ts";
import { VolumePruner } from "./volume_pruner.ts";

const volume = (name: string, labels: Record<string, string> | null) => ({ name, createdMs: 1, labels, options: null });
const ANONYMOUS = { "com.docker.volume.anonymous": "" };

function setup() {
  const volumes = [volume("data", { a: "b" }), volume("f00", ANONYMOUS), volume("used", ANONYMOUS)];
  const users: Record<string, VolumeUser[]> = { used: [{ id: "c1", name: "web" }] };
  const usersOf = (name: string) => users[name] ?? [];
  const pruner = new VolumePruner({
    usersOf,
    table: { known: (name) => volumes.find((each) => each.name === name) },
    usage: { own: () => volumes, bytesOf: (name) => Promise.resolve(name.length) },
    volumes: {
      remove: (name) => {
        if (usersOf(name).length > 0) return Promise.reject(new TsdError("conflict", "in use"));
        volumes.splice(volumes.findIndex((each) => each.name === name), 1);
        return Promise.resolve();
      },
    },
  });
  return { pruner, users };
}

const fixture = (going: string[] = [], spared: string[] = []) => (
  { going: new Set(going), spared: new Set(spared), ledger: new LayerLedger([]) }
);
const SELECTION = { all: true, passes: () => true };

Deno.test("anonymous or all volumes are found, except those used by containers that the prune does not remove", async () => {
  const { pruner } = setup();
  const found = async (selection: typeof SELECTION & { allVolumes?: boolean }, where = fixture()) =>
    (await pruner.find(selection, where)).map(({ id, bytes }) => [id, bytes]);
  assert.deepEqual(await found(SELECTION), [["f00", 3]]);
  assert.deepEqual(await found({ ...SELECTION, allVolumes: true }), [["data", 4], ["f00", 3]]);
  assert.deepEqual(await found(SELECTION, fixture(["c1"])), [["f00", 3], ["used", 4]]);
  assert.deepEqual(await found(SELECTION, fixture([], ["f00"])), []);
  assert.deepEqual(await found({ ...SELECTION, passes: () => false }), []);
});

Deno.test("a removal returns the bytes it freed; a volume used since is kept", async () => {
  const { pruner, users } = setup();
  assert.deepEqual(await pruner.remove({ id: "f00" }), { bytes: 3 });
  assert.deepEqual(await pruner.remove({ id: "f00" }), { kept: "it has gone already" });
  users.data = [{ id: "c2", name: "late" }];
  assert.deepEqual(await pruner.remove({ id: "data" }), { kept: "container late uses it now" });
});
