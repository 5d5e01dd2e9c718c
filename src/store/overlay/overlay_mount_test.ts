import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { FAKE_STATUS, FakeSys } from "../../sys/fake_testing.ts";
import { MNT } from "../../sys/mod.ts";
import {
  isMounted,
  mountOverlay,
  type OverlayDirs,
  probeOverlay,
  unmountAll,
  unmountAllBlocking,
} from "./overlay_mount.ts";
import { namesIn } from "../directory_driver/staging_dir.ts";

const dirs = (count: number): OverlayDirs => ({
  lowers: Array.from({ length: count }, (_, i) => `/layers/${i}/tree`),
  upper: "/s/upper",
  work: "/s/work",
  target: "/s/merged",
});

Deno.test("mountOverlay by fsconfig passes descriptors, the highest layer first, and closes them", () => {
  const sys = new FakeSys();
  mountOverlay(dirs(2), "fsconfig", sys.calls);
  assert.deepEqual(sys.argsOf("open").map(([path]) => path), [
    ...["/layers/0/tree", "/layers/1/tree", "/s/upper", "/s/work", "/s/merged"],
  ]);
  const settings = sys.argsOf("fsconfig").map(([, setting]) =>
    setting as { key?: string; value?: string; kind: string }
  );
  assert.deepEqual(settings.map(({ key, value, kind }) => key === undefined ? kind : `${key}=${value}`), [
    "source=overlay",
    "lowerdir+=/proc/self/fd/100",
    "lowerdir+=/proc/self/fd/101",
    "upperdir=/proc/self/fd/102",
    "workdir=/proc/self/fd/103",
    "index=off",
    "metacopy=off",
    "redirect_dir=nofollow",
    "create",
  ]);
  assert.equal((sys.argsOf("moveMount")[0]![0] as { toFd: number }).toFd, 104);
  assert.deepEqual([...sys.openFds], []);
});

Deno.test("mountOverlay by mount(2) uses one option string", () => {
  const sys = new FakeSys();
  mountOverlay(dirs(2), "mount", sys.calls);
  const [request] = sys.argsOf("mount")[0] as [{ target: string; data: string }];
  assert.equal(request.target, "/proc/self/fd/104");
  assert.equal(
    request.data,
    "lowerdir=/proc/self/fd/100:/proc/self/fd/101,upperdir=/proc/self/fd/102,workdir=/proc/self/fd/103," +
      "index=off,metacopy=off,redirect_dir=nofollow",
  );
  assert.deepEqual([...sys.openFds], []);
});

Deno.test("mountOverlay rejects more layers than the kernel accepts, and leaks no descriptor", () => {
  for (const [count, api] of [[501, "fsconfig"], [250, "mount"]] as const) {
    const sys = new FakeSys();
    assert.throws(() => mountOverlay(dirs(count), api, sys.calls), { code: "storage", message: /250|501/ });
    assert.deepEqual([...sys.openFds], []);
    assert.ok(!sys.names.includes("mount") && !sys.names.includes("fsopen"));
  }
  for (const call of ["open", "fsopen", "fsconfig", "fsmount", "moveMount"] as const) {
    const sys = new FakeSys().script(call, { error: "EIO" });
    assert.throws(() => mountOverlay(dirs(3), "fsconfig", sys.calls), { errnoName: "EIO" });
    assert.deepEqual([...sys.openFds], [], call);
  }
});

Deno.test("unmountAll repeats until nothing is mounted, and detaches busy mounts", () => {
  const sys = new FakeSys().script("umount2", { value: undefined }, { error: "EBUSY" }, { value: undefined }, {
    error: "EINVAL",
  });
  unmountAll("/s/merged", sys.calls);
  assert.deepEqual(sys.argsOf("umount2").map(([, flags]) => flags), [
    MNT.NOFOLLOW,
    MNT.NOFOLLOW,
    MNT.NOFOLLOW | MNT.DETACH,
    MNT.NOFOLLOW,
  ]);
  unmountAll("/s/gone", new FakeSys().script("umount2", { error: "ENOENT" }).calls);
  assert.throws(() => unmountAll("/s", new FakeSys().script("umount2", { error: "EPERM" }).calls), {
    errnoName: "EPERM",
  });
});

Deno.test("unmountAllBlocking unmounts in another thread, then handles the remaining mounts in this one", async () => {
  const sys = new FakeSys().script("umount2", { error: "EBUSY" }, { value: undefined }, { error: "EINVAL" });
  await unmountAllBlocking("/s/merged", sys.calls);
  assert.deepEqual(sys.names, ["umountBlocking", "umount2", "umount2", "umount2"]);
  assert.deepEqual(sys.argsOf("umountBlocking"), [["/s/merged", MNT.NOFOLLOW]]);
  const refused = new FakeSys().script("umount2", { error: "EPERM" });
  await assert.rejects(unmountAllBlocking("/s", refused.calls), { errnoName: "EPERM" });
});

Deno.test("isMounted compares file systems", () => {
  const on = (minor: number) => ({ value: { ...FAKE_STATUS, device: { major: 0, minor } } });
  assert.equal(isMounted("/s/merged", new FakeSys().script("statx", on(50), on(1)).calls), true);
  assert.equal(isMounted("/s/merged", new FakeSys().script("statx", on(1), on(1)).calls), false);
});

Deno.test("probeOverlay falls back to mount(2) if the kernel lacks lowerdir+, and reports why if nothing works", async () => {
  const root = await Deno.makeTempDir({ prefix: "tsd-probe-" });
  try {
    const mounted = { error: "EINVAL" } as const;
    assert.equal(await probeOverlay(root, new FakeSys().script("umount2", mounted).calls), "fsconfig");
    const old = new FakeSys().script("fsconfig", { value: undefined }, { error: "EINVAL" }).script("umount2", mounted);
    assert.equal(await probeOverlay(root, old.calls), "mount");
    const none = new FakeSys().script("fsopen", { error: "ENODEV" }).script("mount", { error: "ENODEV" });
    await assert.rejects(probeOverlay(root, none.calls), {
      code: "storage",
      message: /^Cannot mount an overlay in .*ENODEV/,
    });
    assert.deepEqual([old, none].flatMap((sys) => [...sys.openFds]), []);
    assert.deepEqual(await namesIn(`${root}/ingest`), []);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
