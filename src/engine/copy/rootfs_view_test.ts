import { strict as assert } from "node:assert";
import { EXITED, fakeContainer, RUNNING } from "../containers/containers_testing.ts";
import type { EnginePaths } from "../paths.ts";
import { rootfsView } from "./rootfs_view.ts";

const PATHS = { dataRoot: "/data", runDir: "/run" } as EnginePaths;
const targets = (view: ReturnType<typeof rootfsView>) => view.mounts.map(({ target }) => target);

Deno.test("view: a container's mounts, parents first, and the engine's files unless a mount has their target", () => {
  const hostConfig = {
    Binds: ["/srv/deep:/data/deep/er:ro", "/srv/data:/data", "/srv/hosts:/etc/hosts"],
    Mounts: [{ Type: "bind" as const, Source: "/srv", Target: "/flat", BindOptions: { NonRecursive: true } }],
    Tmpfs: { "/scratch": "", "/locked": "size=1m,ro" },
  };
  const view = rootfsView(fakeContainer(EXITED, { hostConfig }), "/root", PATHS);
  assert.deepEqual({ root: view.root, readOnly: view.readOnly, process: view.process }, {
    root: "/root",
    readOnly: false,
    process: undefined,
  });
  const [data, flat, scratch, locked, hosts, hostname] = view.mounts;
  assert.deepEqual(targets(view), [
    ...["/data", "/flat", "/scratch", "/locked", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/shm"],
    "/data/deep/er",
  ]);
  assert.deepEqual(data, { target: "/data", source: "/srv/data", isOwn: false, recursive: true, readOnly: false });
  assert.deepEqual([flat!.recursive, locked!.readOnly, scratch!.readOnly, scratch!.source], [
    false,
    true,
    false,
    undefined,
  ]);
  assert.deepEqual([hosts!.source, hosts!.isOwn], ["/srv/hosts", false]);
  assert.deepEqual([hostname!.source, hostname!.isOwn], ["/data/containers/c1/hostname", true]);
  assert.equal(view.mounts.at(-1)!.readOnly, true);
});

Deno.test("view: the init process of a running container; a read-only root", () => {
  const view = rootfsView(fakeContainer(RUNNING, { hostConfig: { ReadonlyRootfs: true } }), "/root", PATHS);
  assert.deepEqual(view.process, { pid: 7, startTicks: "1" });
  assert.equal(view.readOnly, true);
  assert.deepEqual(view.mounts.map(({ readOnly }) => readOnly), [true, true, true, false]);
});
