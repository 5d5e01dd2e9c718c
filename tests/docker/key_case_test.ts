/**
 * Requests with JSON keys in any case, which Docker accepts: the settings take effect inside containers, and inspect
 * shows them. Unknown keys are not shown.
 */
import { strict as assert } from "node:assert";
import type { ApiResponse } from "../harness/mod.ts";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { cgroupVersion } from "../options/clients.ts";

const IS_V1 = await cgroupVersion() === 1;
const MEMORY_BYTES = 64 << 20;
const LIMITS = IS_V1 ? "memory/memory.limit_in_bytes pids/pids.max" : "memory.max pids.max";
const MEMORY_FILE = LIMITS.split(" ")[0]!;

/** Prints a container's confinement as seen from inside, one fact a line. */
const LOOK = [
  "touch /x 2>/dev/null && echo writable || echo read-only",
  "sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev",
  "sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status",
  `cd /sys/fs/cgroup && cat ${LIMITS}`,
].join("; ");

function expectStatus(response: ApiResponse, status: number): ApiResponse {
  assert.equal(response.status, status, response.text());
  return response;
}

/** Creates and starts a container; the body may be JSON text. */
async function started(fixture: Fixture, name: string, body: unknown): Promise<string> {
  const { api } = fixture.engine;
  const headers = { "content-type": "application/json" };
  const made = await api.request("POST", `/containers/create?name=${name}`, { body, headers });
  const { Id, Warnings } = expectStatus(made, 201).json<{ Id: string; Warnings: string[] }>();
  assert.deepEqual(Warnings, []);
  expectStatus(await api.post(`/containers/${name}/start`), 204);
  return Id;
}

/** Waits for a container's exit and returns its output. */
async function printed(fixture: Fixture, name: string): Promise<string> {
  expectResult(await fixture.tsd("wait", name), { stdout: "0\n" });
  return (await fixture.tsd("logs", name)).stdout;
}

scenario("api: JSON keys in any case", {
  "a container's confinement": async (fixture) => {
    const { api } = fixture.engine;
    const confined = {
      readonlyRootfs: true,
      networkMode: "none",
      capDrop: ["ALL"],
      memory: MEMORY_BYTES,
      pidsLimit: 9,
    };
    const body = { Image: fixture.image, cmd: ["sh", "-c", LOOK], HostConfig: { ...confined, unheardOf: { a: 1 } } };
    await started(fixture, "confined", { ...body, alsoUnheardOf: 5 });
    const shown = (await api.get("/containers/confined/json")).json<Record<string, Record<string, unknown>>>();
    const { ReadonlyRootfs, NetworkMode, CapDrop, Memory, PidsLimit } = shown.HostConfig!;
    assert.deepEqual({ ReadonlyRootfs, NetworkMode, CapDrop, Memory, PidsLimit }, {
      ...{ ReadonlyRootfs: true, NetworkMode: "none", CapDrop: ["ALL"], Memory: MEMORY_BYTES, PidsLimit: 9 },
    });
    const names = Object.keys({ ...shown.Config, ...shown.HostConfig });
    assert.deepEqual(names.filter((name) => !/^[A-Z]/.test(name)), []);
    const seen = await printed(fixture, "confined");
    assert.equal(seen, `read-only\nlo\n0000000000000000\n${MEMORY_BYTES}\n9\n`);
    await fixture.remove("confined");
  },
  "a complete body, and maps whose keys are kept": async (fixture) => {
    const { api } = fixture.engine;
    const body = {
      ...{ image: fixture.image, CMD: ["sh", "-c", "mount | grep ' /Scratch '; echo $greeting"], env: ["greeting=hi"] },
      ...{ labels: { Image: "a", image: "b", "__proto__x": "c" }, exposedports: { "80/tcp": {} } },
      hostConfig: {
        ...{
          networkmode: "none",
          TmpFs: { "/Scratch": "size=64k" },
          portbindings: { "80/tcp": [{ hostport: "8080" }] },
        },
        ...{
          mounts: [{ type: "tmpfs", target: "/M", tmpfsoptions: { sizebytes: 65536 } }],
          annotations: { A: "1", a: "2" },
        },
      },
    };
    const text = JSON.stringify(body).replace("__proto__x", "__proto__");
    await started(fixture, "folded", text);
    assert.match(await printed(fixture, "folded"), /^tmpfs on \/Scratch type tmpfs \(.*size=64k.*\)\nhi\n$/);
    const answer = await api.get("/containers/folded/json");
    assert.match(answer.text(), /"Labels":\{"Image":"a","image":"b","__proto__":"c"\}/);
    const { HostConfig, Config } = answer.json<Record<string, Record<string, unknown>>>();
    const { Tmpfs, PortBindings, Mounts, Annotations } = HostConfig!;
    assert.deepEqual({ Tmpfs, PortBindings, Mounts, Annotations, ports: Config!.ExposedPorts }, {
      ...{ Tmpfs: { "/Scratch": "size=64k" }, PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
      Mounts: [{ Type: "tmpfs", Target: "/M", TmpfsOptions: { SizeBytes: 65536 } }],
      ...{ Annotations: { A: "1", a: "2" }, ports: { "80/tcp": {} } },
    });
    await fixture.remove("folded");
  },
  "an update": async (fixture) => {
    const { api } = fixture.engine;
    await fixture.background("up");
    expectStatus(await api.post("/containers/up/update", { memory: MEMORY_BYTES, memorySwap: 2 * MEMORY_BYTES }), 200);
    expectResult(await fixture.tsd("exec", "up", "cat", `/sys/fs/cgroup/${MEMORY_FILE}`), {
      stdout: `${MEMORY_BYTES}\n`,
    });
    const fixed = expectStatus(
      await api.post("/containers/up/update", { devices: [{ pathonhost: "/dev/null" }] }),
      501,
    );
    assert.match(fixed.text(), /--device can't be changed after its creation/);
    await fixture.remove("up");
  },
  "an exec": async (fixture) => {
    const { api } = fixture.engine;
    await fixture.background("up");
    const exec = { cmd: ["sh", "-c", "echo $a in $(pwd)"], attachStdout: true, workingdir: "/tmp", env: ["a=b"] };
    const made = await api.post("/containers/up/exec", { ...exec, detachKeys: "ctrl-a", unheardOf: 1 });
    const { Id } = expectStatus(made, 201).json<{ Id: string }>();
    assert.equal((await api.get(`/exec/${Id}/json`)).json().DetachKeys, "ctrl-a");
    using stream = await api.hijack("POST", `/exec/${Id}/start`, { body: { detach: false, tty: false } });
    const output: string[] = [];
    for await (const { bytes } of stream.frames()) output.push(new TextDecoder().decode(bytes));
    assert.equal(output.join(""), "b in /tmp\n");
    const detached = (await api.post("/containers/up/exec", { CMD: ["true"] })).json<{ Id: string }>().Id;
    const isStarted = expectStatus(await api.post(`/exec/${detached}/start`, { detach: true }), 200);
    assert.equal(isStarted.text(), "");
    await fixture.remove("up");
  },
  "volumes and networks": async (fixture) => {
    const { api } = fixture.engine;
    const volume = expectStatus(await api.post("/volumes/create", { name: "folded", labels: { A: "1" } }), 201).json();
    assert.deepEqual([volume.Name, volume.Labels], ["folded", { A: "1" }]);
    expectStatus(await api.delete("/volumes/folded"), 204);
    const ipam = { config: [{ subnet: "10.213.9.0/24", gateway: "10.213.9.7" }] };
    const made = await api.post("/networks/create", { name: "folded", internal: true, ipam, labels: { a: "b" } });
    expectStatus(made, 201);
    const { Internal, IPAM, Labels } = (await api.get("/networks/folded")).json<Record<string, unknown>>();
    assert.deepEqual({ Internal, IPAM, Labels }, {
      ...{ Internal: true, Labels: { a: "b" } },
      IPAM: { Driver: "default", Options: {}, Config: [{ Subnet: "10.213.9.0/24", Gateway: "10.213.9.7" }] },
    });
    await fixture.background("up");
    const endpoint = { ipamconfig: { ipv4address: "10.213.9.9" }, aliases: ["db"] };
    expectStatus(await api.post("/networks/folded/disconnect", { container: "absent" }), 404);
    const joins = { image: fixture.image, hostconfig: { networkmode: "folded" } };
    const one = await api.post("/containers/create?name=one", {
      ...joins,
      networkingconfig: { endpointsconfig: { folded: endpoint } },
    });
    expectStatus(one, 201);
    const shown = (await api.get("/containers/one/json")).json<{
      NetworkSettings: { Networks: Record<string, { Aliases: string[]; IPAMConfig: unknown }> };
    }>().NetworkSettings.Networks.folded!;
    assert.deepEqual([shown.IPAMConfig, shown.Aliases.includes("db")], [{ IPv4Address: "10.213.9.9" }, true]);
    await fixture.remove("one", "up");
    expectStatus(await api.delete("/networks/folded"), 204);
  },
  "refused fields in any case, and duplicate keys": async (fixture) => {
    const { api } = fixture.engine;
    const rows: readonly (readonly [body: unknown, status: number, message: RegExp])[] = [
      [{ hostconfig: { links: ["a"] } }, 501, /--link is not supported yet/],
      [{ networkdisabled: true }, 501, /NetworkDisabled/],
      [{ hostconfig: { deviceRequests: [{ count: -1 }] } }, 501, /--gpus is not supported yet/],
      [{ hostconfig: { memory: "1g" } }, 400, /HostConfig\.Memory must be a whole number/],
      [{ healthcheck: { interval: 5 } }, 400, /Interval in Healthcheck cannot be less than 1ms/],
      [
        '{"Image":"x","HostConfig":{"ReadonlyRootfs":true},"HostConfig":{"Memory":8}}',
        400,
        /duplicate key "HostConfig"/,
      ],
    ];
    const headers = { "content-type": "application/json" };
    for (const [given, status, message] of rows) {
      const body = typeof given === "string" ? given : { Image: fixture.image, ...given as object };
      const answer = await api.request("POST", "/containers/create", { body, headers });
      assert.match(expectStatus(answer, status).json<{ message: string }>().message, message);
    }
  },
  "settings in the request to start a container are refused": async (fixture) => {
    const { api } = fixture.engine;
    expectStatus(await api.post("/containers/create?name=idle", { Image: fixture.image, Cmd: ["true"] }), 201);
    const late = expectStatus(await api.post("/containers/idle/start", { ReadonlyRootfs: true }), 400);
    assert.match(late.text(), /starting container with non-empty request body was deprecated/);
    expectStatus(await api.post("/containers/idle/start", {}), 204);
    expectResult(await fixture.tsd("wait", "idle"), { stdout: "0\n" });
    await fixture.remove("idle");
  },
});
