import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { parseImageConfig } from "../../image/config.ts";
import { digestOfHex } from "../../image/digest.ts";
import { SILENT_LOG } from "../../log.ts";
import { HookBus, type Plugin, type PluginHooks } from "../../plugins/mod.ts";
import { probeHost } from "../../runtime/spec/mod.ts";
import { ContainerRecords } from "../../store/container_records.ts";
import { Database } from "../../store/database.ts";
import { enginePaths } from "../paths.ts";
import { KeyedLock } from "../../async/keyed_lock.ts";
import { ContainerCreator, type ContainerCreatorDeps } from "./container_creator.ts";
import type { ContainerRecord } from "../model/container.ts";
import { ContainerTable, type StoredContainers } from "../model/container_table.ts";
import { parseCreateRequest } from "../model/create_request.ts";
import { recordedEvents } from "./containers_testing.ts";
import { requestedMounts } from "../model/mounts.ts";

const IMAGE_ID = digestOfHex("1".repeat(64));
const CONFIG_JSON = {
  ...{ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } },
  config: { Env: ["PATH=/bin"], Cmd: ["sh"], Labels: { from: "image" } },
};

interface Bench {
  /** Asks for a container of this image with these plugins. */
  create(body: Record<string, unknown>, ...plugins: readonly Plugin[]): Promise<ContainerRecord>;
  readonly count: () => number;
}

/** A creator whose table is real; nothing is mounted, and images are always there. */
async function withBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-creator-" });
  try {
    using db = Database.open(":memory:");
    using table = new ContainerTable(new ContainerRecords(db) as unknown as StoredContainers, SILENT_LOG);
    const config = parseImageConfig(new TextEncoder().encode(JSON.stringify(CONFIG_JSON)), "config");
    const image = { record: { id: IMAGE_ID, layers: [] }, config };
    const held = { require: () => {}, [Symbol.asyncDispose]: () => Promise.resolve() };
    const ready = { keep: () => {}, [Symbol.asyncDispose]: () => Promise.resolve() };
    const deps = {
      ...{ table, paths: await enginePaths(dir), info: await probeHost(), locks: new KeyedLock() },
      images: { resolve: () => Promise.resolve(image) },
      imageLeases: { hold: () => held },
      snapshots: { prepare: () => Promise.resolve() },
      runtimes: { choose: () => "runc" },
      namespaces: { byId: (host: object) => host, networkOwner: () => undefined },
      events: recordedEvents().events,
      volumes: {
        plan: (_config: unknown, host: object) => requestedMounts(host),
        make: (mounts: unknown) => Promise.resolve({ mounts, ...ready }),
      },
      filling: { fill: () => Promise.resolve() },
    };
    await use({
      count: () => table.list().length,
      create: async (body, ...plugins) => {
        const hooks = new HookBus(plugins, SILENT_LOG);
        const creator = new ContainerCreator({ ...deps, hooks } as unknown as ContainerCreatorDeps);
        const { Id } = await creator.create(undefined, parseCreateRequest({ Image: "busybox", ...body }));
        return table.find(Id).record;
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const plugin = (name: string, hooks: PluginHooks): Plugin => ({ name, apiVersion: 1, hooks });

Deno.test("what plugins change is in the container's record; those that validate see it, others' patches don't", async () => {
  await withBench(async ({ create }) => {
    const seen: unknown[] = [];
    const poststop = [{ path: "/bin/true" }];
    const record = await create(
      { Env: ["MINE=1"], HostConfig: { Memory: 1 << 26 } },
      plugin("one", {
        "container.create": ({ env, labels, args, name }) => {
          seen.push({ env, labels, args, name });
          return { env: { ONE: "1" }, args: ["echo", "x"], labels: { from: "plugin" }, hooks: { poststop } };
        },
      }),
      plugin("two", {
        "container.create": ({ env }) => {
          seen.push(env);
          return { annotations: { a: "1" }, resources: { pidsLimit: 9 }, mounts: [{ type: "tmpfs", target: "/t" }] };
        },
        "container.validate": ({ env, args, labels, annotations, mounts }) =>
          void seen.push({ env, args, labels, annotations, mounts }),
      }),
    );
    const before = { PATH: "/bin", MINE: "1" };
    assert.deepEqual(seen, [
      { env: before, labels: { from: "image" }, args: ["sh"], name: "" },
      before,
      {
        ...{ env: { ...before, ONE: "1" }, args: ["echo", "x"], labels: { from: "plugin" }, annotations: { a: "1" } },
        mounts: [{ type: "tmpfs", target: "/t", readOnly: false }],
      },
    ]);
    const { config, hostConfig, ociHooks, mounts } = record;
    assert.deepEqual([config.Entrypoint, config.Cmd], [["echo"], ["x"]]);
    assert.deepEqual(config.Env, ["MINE=1", "ONE=1", "PATH=/bin"]);
    assert.deepEqual([config.Labels, hostConfig.Annotations], [{ from: "plugin" }, { a: "1" }]);
    assert.deepEqual([hostConfig.Memory, hostConfig.PidsLimit, ociHooks], [1 << 26, 9, { poststop }]);
    assert.deepEqual(mounts?.map(({ mount }) => mount.target), ["/t"]);
  });
});

Deno.test("plugins see what was understood of a request, whatever the case of its keys", async () => {
  await withBench(async ({ create }) => {
    const seen: unknown[] = [];
    const look: PluginHooks["container.validate"] = ({ privileged, user, labels, mounts, networkMode, annotations }) =>
      void seen.push({ privileged, user, labels, mounts, networkMode, annotations });
    const { config, hostConfig } = await create(
      {
        ...{ USER: "me", labels: { Own: "1", own: "2" }, unknown: 1 },
        hostconfig: { privileged: true, networkmode: "none", tmpfs: { "/T": "" }, annotations: { A: "1" }, odd: {} },
      },
      plugin("looks", {
        "container.create": (context) => look(context, {} as never) as undefined,
        "container.validate": look,
      }),
    );
    const shown = {
      ...{ privileged: true, user: "me", labels: { from: "image", Own: "1", own: "2" }, networkMode: "none" },
      ...{ mounts: [{ type: "tmpfs", target: "/T", readOnly: false }], annotations: { A: "1" } },
    };
    assert.deepEqual(seen, [shown, shown]);
    assert.deepEqual([...Object.keys(config), ...Object.keys(hostConfig)].filter((name) => !/^[A-Z]/.test(name)), []);
  });
});

Deno.test("plugins that are in each other's way, a patch that no client could ask for, a refusal: nothing is made", async () => {
  await withBench(async ({ create, count }) => {
    const sets = (name: string) => plugin(name, { "container.create": () => ({ env: { SAME: name } }) });
    await assert.rejects(
      create({}, sets("one"), sets("two")),
      (thrown) => isTsdError(thrown, "conflict") && thrown.message === "Plugins one and two both set env.SAME",
    );
    const missing = { type: "bind", source: "/nowhere/at/all", target: "/x" } as const;
    await assert.rejects(
      create({}, plugin("binds", { "container.create": () => ({ mounts: [missing] }) }), sets("one")),
      (thrown) =>
        isTsdError(thrown, "invalid_argument") &&
        /^With what plugins binds, one changed: .*bind source path does not exist: \/nowhere/.test(thrown.message),
    );
    await assert.rejects(
      create({}, plugin("strict", { "container.validate": () => ({ refuse: "no owner" }) })),
      (thrown) =>
        isTsdError(thrown, "permission_denied") &&
        thrown.message === "Plugin strict refused (container.validate): no owner",
    );
    assert.equal(count(), 0);
  });
});
