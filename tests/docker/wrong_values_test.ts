/**
 * Every field of request bodies and every path parameter, with every kind of value: the engine either accepts it, or
 * reports in one line what is wrong. It never returns 500, and keeps running.
 */
import { strict as assert } from "node:assert";
import { ZERO_CONFIG, ZERO_HOST_CONFIG } from "../../src/api/views/zero_values.ts";
import type { ApiResponse } from "../harness/mod.ts";
import { expectResult, type Fixture, scenario } from "../cli/setup.ts";
import { ask, assertClear, type Json, placesIn, problemsOf, replaced, SEGMENTS, VALUES } from "./wrong_values.ts";

/** Returns a container creation with every field, all valid. */
function creation(image: string): Json {
  const bind = { Propagation: "rslave", NonRecursive: false, CreateMountpoint: false, ReadOnlyNonRecursive: false };
  const tmpfs = { SizeBytes: 4096, Mode: 0o700, Options: [["noexec"]] };
  return {
    ...ZERO_CONFIG as Record<string, Json>,
    ...{ Image: image, Cmd: ["true"], Entrypoint: ["env"], Env: ["A=1"], Labels: { a: "b" } },
    ...{ ExposedPorts: { "80/tcp": {} }, Shell: ["sh"], StopSignal: "TERM", StopTimeout: 1, NetworkDisabled: false },
    Healthcheck: {
      ...{ Test: ["CMD", "true"], Interval: 1e9, Timeout: 1e9, StartPeriod: 1e9, StartInterval: 1e9, Retries: 2 },
    },
    HostConfig: {
      ...ZERO_HOST_CONFIG as Record<string, Json>,
      ...{ NetworkMode: "none", Binds: ["/etc:/b:ro"], CapAdd: ["KILL"], CapDrop: ["CHOWN"], GroupAdd: ["1"] },
      ...{ Dns: ["10.0.0.1"], DnsOptions: ["ndots:1"], DnsSearch: ["lan"], ExtraHosts: ["a:10.0.0.2"] },
      ...{ Annotations: { a: "b" }, Sysctls: {}, Tmpfs: { "/u": "" }, StorageOpt: {}, Init: false },
      ...{ LogConfig: { Type: "json-file", Config: { "max-size": "1m" } }, SecurityOpt: ["no-new-privileges"] },
      ...{ RestartPolicy: { Name: "on-failure", MaximumRetryCount: 1 }, KernelMemory: 0 },
      Mounts: [
        { Type: "bind", Source: "/etc", Target: "/m", ReadOnly: true, Consistency: "", BindOptions: bind },
        { Type: "tmpfs", Target: "/n", TmpfsOptions: tmpfs },
      ],
      Ulimits: [{ Name: "nofile", Soft: 10, Hard: 20 }],
      Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/n", CgroupPermissions: "r" }],
      DeviceCgroupRules: ["c 1:3 r"],
    },
    NetworkingConfig: { EndpointsConfig: { none: { Aliases: null, IPAMConfig: null } } },
  };
}

/** Sends a body with each wrong value at each position; returns the problems with the responses. */
async function wrongBodies(
  right: Json,
  send: (body: Json) => Promise<ApiResponse>,
  after: (response: ApiResponse) => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const problems: string[] = [];
  const first = await send(right);
  assertClear(first, "a right one");
  await after(first);
  for (const place of placesIn(right)) {
    for (const value of VALUES) {
      const response = await send(replaced(right, place, value));
      try {
        assertClear(response, `${place.join(".")} = ${JSON.stringify(value).slice(0, 60)}`);
      } catch (error) {
        if (!(error instanceof assert.AssertionError)) throw error;
        problems.push(error.message);
      }
      await after(response);
    }
  }
  return problems;
}

/** Values to put behind a `=`. */
const TEXTS: readonly string[] = [
  ...["", "0", "1", "-1", "1.5", "1e400", "NaN", "Infinity", "9".repeat(30), "0x10", "true", "False", "no", "maybe"],
  ...["x", "..", "/", "//etc//passwd", "a\0b", "%s%n", "é\u202e", "x".repeat(3000), "\r\nX: y", "*", "[", "\\"],
  ...["{", "[]", "[1]", "null", "{}", '{"label":5}', '{"label":[{}]}', '{"label":[{"toString":1}]}', '{"label":null}'],
  ...['{"label":{"x":{}}}', '{"__proto__":["x"]}', '{"constructor":["x"]}', '{"until":["x"]}', '{"until":["1","2"]}'],
  ...['{"name":["["]}', '{"name":["(a+)+$"]}', '{"reference":["[x"]}', '{"before":["\\u0000"]}', '{"dangling":["x"]}'],
];

/** Paths with the parameters that they read. UP is a running container, DONE an exited one, HOST the registry. */
const PATHS: readonly (readonly [method: string, path: string, ...params: string[]])[] = [
  ["GET", "/containers/json", "all", "limit", "size", "filters"],
  ["GET", "/containers/UP/json", "size"],
  ["POST", "/containers/DONE/stop", "t", "signal"],
  ["POST", "/containers/UP/kill?signal=0", "nothing"],
  ["POST", "/containers/absent/stop", "t", "signal"],
  ["POST", "/containers/absent/restart", "t", "signal"],
  ["POST", "/containers/DONE/kill", "signal"],
  ["POST", "/containers/UP/rename", "name"],
  ["POST", "/containers/DONE/wait", "condition"],
  ["POST", "/containers/UP/resize?h=1&w=1", "h", "w"],
  ["POST", "/containers/DONE/attach?logs=1&stdout=1", "detachKeys", "stream", "stdin", "logs"],
  [
    "GET",
    "/containers/DONE/logs?stdout=1",
    "stdout",
    "stderr",
    "follow",
    "since",
    "until",
    "tail",
    "timestamps",
    "details",
  ],
  ["GET", "/containers/DONE/logs", "stdout", "stderr"],
  ["GET", "/containers/UP/stats?stream=0&one-shot=1", "one-shot"],
  ["GET", "/containers/DONE/stats", "stream"],
  ["GET", "/containers/UP/top", "ps_args"],
  ["HEAD", "/containers/UP/archive", "path"],
  ["GET", "/containers/UP/archive", "path"],
  ["PUT", "/containers/UP/archive?path=/tmp", "path", "noOverwriteDirNonDir", "copyUIDGID"],
  ["GET", "/containers/UP/changes"],
  ["DELETE", "/containers/absent", "force", "v", "link"],
  ["POST", "/exec/absent/resize?h=1&w=1", "h", "w"],
  ["GET", "/images/json", "all", "filters", "digests", "shared-size", "manifests"],
  ["GET", "/images/HOST/busybox/json", "platform", "manifests"],
  ["GET", "/images/HOST/busybox/history", "platform"],
  ["POST", "/images/HOST/busybox/tag?repo=HOST/x&tag=y", "repo", "tag"],
  ["DELETE", "/images/HOST/absent", "force", "noprune", "platforms"],
  ["POST", "/images/create?fromImage=HOST/busybox&tag=latest", "tag", "platform", "repo", "fromSrc"],
  ["GET", "/events?until=1", "since", "filters"],
  ["GET", "/events?since=1", "until"],
  ["GET", "/system/df", "type"],
  ["POST", "/networks/prune", "filters"],
  ["POST", "/volumes/prune", "filters"],
  ["POST", "/build/prune", "filters", "all", "keep-storage"],
];

scenario("api: wrong values", {
  "fields of a container creation": async ({ engine: { api }, image }: Fixture) => {
    const create = (body: Json) => api.post("/containers/create", body);
    const remove = async (response: ApiResponse) => {
      if (response.status !== 201) return;
      const removed = await api.delete(`/containers/${response.json().Id}`);
      assert.equal(removed.status, 204, removed.text());
    };
    const right = await create(creation(image));
    assert.equal(right.status, 201, right.text());
    await remove(right);
    assert.deepEqual(await wrongBodies(creation(image), create, remove), []);
  },
  "bodies of the other paths": async (fixture: Fixture) => {
    const { api } = fixture.engine;
    await fixture.background("up");
    const post = (path: string) => (body: Json) => api.post(path, body);
    const exec = {
      ...{ AttachStdin: false, AttachStdout: true, AttachStderr: true, DetachKeys: "ctrl-p", Tty: true, Env: ["A=1"] },
      ...{ Cmd: ["true"], Privileged: false, User: "app", WorkingDir: "/tmp", ConsoleSize: [24, 80] },
    };
    assert.deepEqual(await wrongBodies(exec, post("/containers/up/exec")), []);
    const start = { Detach: true, Tty: false, ConsoleSize: [24, 80] };
    assert.deepEqual(await wrongBodies(start, post("/exec/absent/start")), []);
    const { Id } = (await api.post("/containers/up/exec", { Cmd: ["true"] })).json<{ Id: string }>();
    assert.deepEqual(await wrongBodies(start, post(`/exec/${Id}/start`)), []);
    const update = {
      ...{ Memory: 64 << 20, MemorySwap: 128 << 20, MemoryReservation: 0, NanoCpus: 0, CpuShares: 512, CpuPeriod: 0 },
      ...{ CpuQuota: 0, CpusetCpus: "", CpusetMems: "", PidsLimit: 99, BlkioWeight: 0, Devices: null, Ulimits: null },
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    };
    assert.deepEqual(await wrongBodies(update, post("/containers/up/update")), []);
    const auth = { username: "u", password: "p", auth: "", serveraddress: fixture.registry.host, identitytoken: "" };
    // Sends no request to other registries: a name becomes the fixture's registry, and so does a missing one.
    const login = (body: Json) => {
      const { serveraddress: at } = body as Record<string, Json>;
      const isNamed = at !== null && at !== undefined && typeof at !== "string";
      return api.post("/auth", {
        ...body as Record<string, Json>,
        serveraddress: isNamed ? at : fixture.registry.host,
      });
    };
    assert.deepEqual(await wrongBodies(auth, login), []);
    expectResult(await fixture.tsd("exec", "up", "echo", "fine"), { stdout: "fine\n" });
    await fixture.remove("up");
  },
  "bodies of networks and volumes": async (fixture: Fixture) => {
    const { api } = fixture.engine;
    const network = {
      ...{ Name: "wrong", CheckDuplicate: true, Driver: "bridge", Scope: "local", EnableIPv4: true, EnableIPv6: false },
      ...{ Internal: true, Attachable: true, Ingress: false, ConfigOnly: false, ConfigFrom: { Network: "" } },
      ...{ Options: { "com.docker.network.driver.mtu": "1400" }, Labels: { a: "b" } },
      IPAM: {
        ...{ Driver: "default", Options: {} },
        Config: [{
          ...{ Subnet: "10.213.7.0/24", IPRange: "10.213.7.128/25", Gateway: "10.213.7.1" },
          AuxiliaryAddresses: { router: "10.213.7.130" },
        }],
      },
    };
    const removed = (kind: string, field: string) => async (made: ApiResponse) => {
      if (made.status !== 201) return;
      const name = encodeURIComponent(made.json<Record<string, string>>()[field]!);
      assert.equal((await api.delete(`/${kind}/${name}`)).status, 204, name);
    };
    const createNetwork = (body: Json) => api.post("/networks/create", body);
    assert.deepEqual(await wrongBodies(network, createNetwork, removed("networks", "Id")), []);
    const internal = await createNetwork({ Name: "wrong", Internal: "yes" });
    assert.deepEqual([internal.status, internal.json()], [400, {
      message: "Invalid network configuration: Internal must be true or false",
    }]);
    const volume = { Name: "wrong", Driver: "local", Labels: { a: "b" }, DriverOpts: {} };
    const createVolume = (body: Json) => api.post("/volumes/create", body);
    assert.deepEqual(await wrongBodies(volume, createVolume, removed("volumes", "Name")), []);
    await fixture.background("up");
    const endpoint = {
      Container: "up",
      EndpointConfig: {
        IPAMConfig: { IPv4Address: "10.213.7.9", IPv6Address: "", LinkLocalIPs: [] },
        ...{ Links: [], Aliases: ["a"], MacAddress: "02:42:ac:11:00:02", GwPriority: 1, DriverOpts: {} },
      },
    };
    assert.deepEqual(await wrongBodies(endpoint, (body) => api.post("/networks/bridge/connect", body)), []);
    const leave = { Container: "up", Force: false };
    assert.deepEqual(await wrongBodies(leave, (body) => api.post("/networks/bridge/disconnect", body)), []);
    await fixture.remove("up");
  },
  "parameters": async (fixture: Fixture) => {
    const { api } = fixture.engine;
    const id = await fixture.background("up"); // which an update renames
    await fixture.background("done", ["true"]);
    await fixture.tsd("wait", "done");
    const problems: string[] = [];
    const filled = (path: string) =>
      path.replace("UP", id).replace("DONE", "done").replaceAll("HOST", fixture.registry.host);
    for (const [method, path, ...params] of PATHS) {
      for (const param of params) {
        for (const text of TEXTS) {
          const [bare, query = ""] = filled(path).split("?") as [string, string?];
          const all = new URLSearchParams(query);
          all.set(param, param === "repo" ? `${fixture.registry.host}/${text}` : text);
          const target = `${bare}?${all}`;
          problems.push(...await problemsOf(() => ask(api, method, target), `${method} ${target.slice(0, 200)}`));
        }
      }
      for (const segment of SEGMENTS) {
        const [bare, query = ""] = path.split("?") as [string, string?];
        if (!/UP|DONE|absent|HOST/.test(bare)) continue;
        const named = bare.replace(/UP|DONE|absent|HOST\/busybox/, segment);
        const target = filled(query === "" ? named : `${named}?${query}`);
        problems.push(...await problemsOf(() => ask(api, method, target), `${method} ${target.slice(0, 200)}`));
      }
    }
    for (const text of [...TEXTS, btoa("[]"), btoa("5"), btoa('{"username":5}'), btoa('{"auth":"!"}')]) {
      if (/[^\x20-\x7e]/.test(text)) continue; // cannot be sent
      const headers = { "x-registry-auth": text };
      const pull = `/images/create?fromImage=${fixture.registry.host}/busybox&tag=latest`;
      problems.push(...await problemsOf(() => ask(api, "POST", pull, { headers }), `X-Registry-Auth: ${text}`));
    }
    assert.deepEqual(problems, []);
    expectResult(await fixture.tsd("exec", id, "echo", "fine"), { stdout: "fine\n" });
    await fixture.engine.removeContainers();
  },
});
