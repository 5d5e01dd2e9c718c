import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { CONTAINER_PATCH } from "./answers.ts";
import { mergePatches } from "./patches.ts";

const merge = (...patches: readonly unknown[]) =>
  mergePatches(CONTAINER_PATCH, patches.map((patch, at) => ({ plugin: `p${at}`, patch })));

Deno.test("patches of different fields are merged, lists in the plugins' order", () => {
  const [one, two, three] = ["/one", "/two", "/three"].map((path) => ({ path }));
  const mount = (target: string) => ({ type: "tmpfs", target });
  assert.deepEqual(
    merge(
      { env: { A: "1" }, mounts: [mount("/a")], hooks: { poststop: [one] }, resources: { memoryBytes: 1 } },
      { args: ["x"] },
      {
        env: { B: "2" },
        mounts: [mount("/b"), mount("/c")],
        hooks: { poststop: [two, three], prestart: [one] },
        resources: { pidsLimit: 2 },
      },
    ),
    {
      args: ["x"],
      env: { A: "1", B: "2" },
      mounts: [mount("/a"), mount("/b"), mount("/c")],
      hooks: { poststop: [one, two, three], prestart: [one] },
      resources: { memoryBytes: 1, pidsLimit: 2 },
    },
  );
});

Deno.test("two plugins that set the same field are both named, even if they agree", () => {
  const device = { path: "/dev/null", target: "/dev/x" };
  const conflicts: readonly (readonly [unknown, string])[] = [
    [{ env: { A: "1" } }, "env.A"],
    [{ labels: { A: "1" } }, "labels.A"],
    [{ annotations: { "a.b": "1" } }, "annotations.a.b"],
    [{ args: [] }, "args"],
    [{ mounts: [{ type: "bind", source: "/x", target: "/a" }] }, "mounts[/a]"],
    [{ devices: [device] }, "devices[/dev/x]"],
    [{ resources: { nanoCpus: 1 } }, "resources.nanoCpus"],
  ];
  for (const [patch, path] of conflicts) {
    assert.throws(
      () => merge(patch, { labels: { other: "1" } }, patch),
      (thrown) => isTsdError(thrown, "conflict") && thrown.message === `Plugins p0 and p2 both set ${path}`,
    );
  }
  assert.throws(() => merge({ devices: [device, device] }), /Plugin p0 sets devices\[\/dev\/x\] twice/);
});
