import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import type { ContainerPatch } from "../../plugins/mod.ts";
import { type CreateRequest, parseCreateRequest } from "../model/create_request.ts";
import { patchedRequest } from "./plugin_patch.ts";

const request = (body: Record<string, unknown> = {}): CreateRequest =>
  parseCreateRequest({ Image: "busybox", ...body });

Deno.test("a patch becomes what a client would have asked for", () => {
  const requested = request({
    Env: ["A=old", "B=kept"],
    Labels: { mine: "1" },
    Cmd: ["sleep", "1"],
    HostConfig: { Annotations: { a: "1" }, Mounts: [{ Type: "tmpfs", Target: "/tmp" }], Memory: 1 << 25 },
  });
  const poststop = [{ path: "/bin/true", args: ["true"], timeout: 2 }];
  const { config, hostConfig, networks, ociHooks } = patchedRequest(requested, {
    args: ["echo", "hello"],
    env: { A: "new", C: "=odd=" },
    labels: { theirs: "2" },
    annotations: { b: "2" },
    mounts: [{ type: "bind", source: "/srv", target: "/srv", readOnly: true }, { type: "tmpfs", target: "/run" }],
    devices: [{ path: "/dev/null", target: "/dev/nothing" }, { path: "/dev/zero", target: "/z", permissions: "r" }],
    resources: { memoryBytes: 1 << 26, pidsLimit: 7, cpusetCpus: "0" },
    hooks: { poststop },
  });
  assert.deepEqual([config.Entrypoint, config.Cmd], [["echo"], ["hello"]]);
  assert.deepEqual(config.Env, ["B=kept", "A=new", "C==odd="]);
  assert.deepEqual(config.Labels, { mine: "1", theirs: "2" });
  assert.deepEqual(hostConfig.Annotations, { a: "1", b: "2" });
  assert.deepEqual(hostConfig.Mounts, [
    { Type: "tmpfs", Target: "/tmp" },
    { Type: "bind", Target: "/srv", ReadOnly: true, Source: "/srv" },
    { Type: "tmpfs", Target: "/run", ReadOnly: false },
  ]);
  assert.deepEqual(hostConfig.Devices, [
    { PathOnHost: "/dev/null", PathInContainer: "/dev/nothing", CgroupPermissions: "rwm" },
    { PathOnHost: "/dev/zero", PathInContainer: "/z", CgroupPermissions: "r" },
  ]);
  assert.deepEqual([hostConfig.Memory, hostConfig.PidsLimit, hostConfig.CpusetCpus], [1 << 26, 7, "0"]);
  assert.deepEqual([networks, ociHooks], [requested.networks, { poststop }]);
});

Deno.test("an empty patch changes nothing", () => {
  const requested = request({ Cmd: ["true"], Env: ["A=1"] });
  assert.deepEqual(patchedRequest(requested, {}), requested);
});

Deno.test("what no client could ask for is refused", () => {
  const refused: readonly (readonly [ContainerPatch, RegExp])[] = [
    [{ args: [] }, /no command specified/],
    [{ env: { "A=B": "1" } }, /invalid environment variable: A=B/],
    [{ env: { "": "1" } }, /invalid environment variable/],
    [{ hooks: { prestart: [{ path: "true" }] } }, /invalid prestart hook: true is no absolute path/],
    [{ hooks: { poststop: [{ path: "/bin/true", timeout: 0 }] } }, /invalid poststop hook: its timeout is 0/],
  ];
  for (const [patch, message] of refused) {
    assert.throws(
      () => patchedRequest(request(), patch),
      (thrown) => isTsdError(thrown, "invalid_argument") && message.test(thrown.message),
    );
  }
});
