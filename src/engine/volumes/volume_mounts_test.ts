import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { Container } from "../model/container.ts";
import { EXITED, fakeContainer } from "../containers/containers_testing.ts";
import { requestedMounts } from "../model/mounts.ts";
import { fakeSink } from "../events/events_testing.ts";
import { VolumeEvents } from "../events/volume_events.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { VolumeMounts } from "./volume_mounts.ts";

/** Volumes of which only `scratch` has options; nothing is mounted for real. */
function setup(dataRoot = "/nowhere") {
  const reported: string[] = [];
  const running: Container[] = [];
  const mounts = new VolumeMounts({
    paths: { engineId: "", dataRoot, runDir: "/nowhere", cgroup: "tsd" },
    table: {
      find: (name: string) => ({ name, options: null }),
      known: (name: string) => ({ options: name === "scratch" ? { type: "tmpfs", device: "tmpfs" } : null }),
    } as never,
    usersOf: () => running,
    events: new VolumeEvents(fakeSink(({ action, attributes }) => reported.push(`${action} ${attributes.container}`))),
    ...{ locks: new KeyedLock(), mounts: {} as never, files: {} as never, metadata: {} as never },
    snapshots: {} as never,
  });
  return { mounts, reported, running };
}

function containerWith(id: string, ...binds: string[]): Container {
  const { record } = fakeContainer();
  return new Container(id, id, 0, { ...record, mounts: requestedMounts({ Binds: binds }) }, EXITED);
}

Deno.test("a run's volumes are unmounted once, whether before its end is told or when it is cleared away", async () => {
  await using undo = new AsyncDisposableStack();
  const dataRoot = await Deno.makeTempDir({ prefix: "tsd-mounts-" });
  undo.defer(() => Deno.remove(dataRoot, { recursive: true }));
  await Deno.mkdir(`${dataRoot}/volumes/data/_data`, { recursive: true });
  const { mounts, reported } = setup(dataRoot);
  const container = containerWith("c1", "data:/d", "/host:/h");
  for (const ahead of [true, false]) {
    using _seen = await mounts.mount(container);
    assert.equal(mounts.isHeld("data"), true);
    if (ahead) await mounts.release(container);
    if (ahead) assert.equal(mounts.isHeld("data"), false);
    await mounts.unmount(container);
    assert.equal(mounts.isHeld("data"), false);
    assert.deepEqual(reported.splice(0), ["mount c1", "unmount c1"]);
  }
});

Deno.test("a volume has something mounted if its options say so", () => {
  const { mounts } = setup();
  assert.equal(mounts.hasOptions(containerWith("c1", "data:/d", "/host:/h")), false);
  assert.equal(mounts.hasOptions(containerWith("c1", "data:/d", "scratch:/s")), true);
});
