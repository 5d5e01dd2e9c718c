/** Requests with keys in any case, which Docker's clients may send because dockerd decodes them with Go's decoder. */
import { strict as assert } from "node:assert";
import fc from "fast-check";
import { isObject } from "../../json/decode.ts";
import { mapOf, respelt, sparse, SPELLING } from "../../json/json_testing.ts";
import { parseCreateRequest } from "./create_request.ts";
import { parseUpdateRequest } from "./update_request.ts";
import { parseExecRequest, parseExecStart } from "../exec/exec_request.ts";
import { parseConnectRequest, parseDisconnectRequest } from "./endpoint_request.ts";
import { parseNetworkRequest } from "../networks/network_request.ts";
import { parseVolumeRequest } from "../volumes/volume_request.ts";

/** A fixed seed makes failures reproducible. */
const REPRODUCIBLE = { seed: 50, numRuns: 300 };

/** Fields whose value is a map: its keys stay as they are. */
const MAPS: ReadonlySet<string> = new Set([
  ...["Labels", "Annotations", "Sysctls", "Tmpfs", "StorageOpt", "Options", "DriverOpts", "AuxiliaryAddresses"],
  ...["ExposedPorts", "Volumes", "PortBindings", "PublishAdd", "EndpointsConfig"],
  // A log driver's options; a network's address pools are a list.
  "Config",
]);

const { constant, constantFrom } = fc;
const word = fc.stringMatching(/^[a-z]{1,5}$/);
const flag = fc.boolean();
const count = fc.nat(1 << 20);
const words = fc.array(word, { maxLength: 3 });
const nanos = fc.integer({ min: 1e6, max: 1e12 });
const size = fc.tuple(fc.nat(99), fc.nat(99));
const policy = constantFrom({ Name: "always" }, { Name: "on-failure", MaximumRetryCount: 3 }, { Name: "" });
const ports = fc.dictionary(
  constantFrom("80/tcp", "81/TCP"),
  fc.option(
    fc.array(sparse({ HostIp: constantFrom("", "::1"), HostPort: constantFrom("", "8080") }), { maxLength: 2 }),
  ),
  { noNullPrototype: true },
);

const changeable = {
  ...{ Memory: count, MemorySwap: count, MemoryReservation: count, NanoCpus: count, CpuShares: count },
  ...{ CpuPeriod: count, CpuQuota: count, CpusetCpus: word, CpusetMems: word, BlkioWeight: count },
  PidsLimit: fc.integer({ min: -1, max: 99 }),
};

const mount = sparse({
  ...{ Type: constantFrom("bind", "tmpfs"), Source: word, Target: word, ReadOnly: flag, Consistency: word },
  BindOptions: sparse({
    ...{ Propagation: word, NonRecursive: flag, CreateMountpoint: flag },
    ...{ ReadOnlyNonRecursive: flag, ReadOnlyForceRecursive: flag },
  }),
  VolumeOptions: sparse({
    ...{ NoCopy: flag, Labels: mapOf(word), Subpath: word },
    DriverConfig: sparse({ Name: word, Options: mapOf(word) }),
  }),
  ImageOptions: sparse({ Subpath: word }),
  TmpfsOptions: sparse({ SizeBytes: count, Mode: count, Options: fc.array(words) }),
});

const rates = fc.array(sparse({ Path: word, Rate: count }), { maxLength: 2 });
const host = sparse({
  ...changeable,
  ...{ Binds: words, NetworkMode: constant("mine"), Mounts: fc.array(mount, { maxLength: 2 }) },
  ...{ CapAdd: words, CapDrop: fc.oneof(word, words), CgroupnsMode: word, CgroupParent: word, ContainerIDFile: word },
  ...{ Dns: words, DnsOptions: words, DnsSearch: words, ExtraHosts: words, GroupAdd: words, IpcMode: word },
  ...{ OomScoreAdj: count, PidMode: word, Privileged: flag, ReadonlyRootfs: flag, SecurityOpt: words },
  ...{ Tmpfs: mapOf(word), VolumeDriver: word, VolumesFrom: words, UsernsMode: word, ShmSize: count },
  ...{ Sysctls: fc.dictionary(constantFrom("Kernel.x", "kernel.x"), word, { noNullPrototype: true }), Runtime: word },
  ...{ Init: flag, MaskedPaths: words, ReadonlyPaths: words, Annotations: mapOf(word), PublishAllPorts: flag },
  ...{ LogConfig: sparse({ Type: word, Config: mapOf(word) }), RestartPolicy: policy, PortBindings: ports },
  ...{ ConsoleSize: size, MemorySwappiness: count, OomKillDisable: flag, DeviceCgroupRules: words },
  Devices: fc.array(sparse({ PathOnHost: word, PathInContainer: word, CgroupPermissions: word }), { maxLength: 2 }),
  Ulimits: fc.array(sparse({ Name: word, Soft: count, Hard: count }), { maxLength: 2 }),
  BlkioWeightDevice: fc.array(sparse({ Path: word, Weight: count }), { maxLength: 2 }),
  ...{ BlkioDeviceReadBps: rates, BlkioDeviceWriteBps: rates, BlkioDeviceReadIOps: rates, BlkioDeviceWriteIOps: rates },
});

const endpoint = sparse({
  IPAMConfig: sparse({ IPv4Address: constant("10.0.0.9"), IPv6Address: constant("fd00::9") }),
  ...{ Aliases: words, MacAddress: constant("02:00:00:00:00:01"), GwPriority: count, DriverOpts: constant({}) },
  ...{ NetworkID: word, IPPrefixLen: count, DNSNames: words },
});

const creation = sparse({
  ...{ Image: word, Cmd: fc.oneof(word, words), Entrypoint: words, Env: words, User: word, WorkingDir: word },
  ...{ Hostname: word, Domainname: word, AttachStdin: flag, Tty: flag, OpenStdin: flag, StdinOnce: flag },
  ...{ Labels: mapOf(word), Volumes: mapOf(constant({})), ExposedPorts: mapOf(constant({})), Shell: words },
  ...{ StopSignal: word, StopTimeout: count, ArgsEscaped: flag, OnBuild: words },
  Healthcheck: sparse({
    ...{ Test: constantFrom(["CMD", "x"], ["NONE"]), Interval: nanos, Timeout: nanos, StartPeriod: nanos },
    ...{ StartInterval: nanos, Retries: count },
  }),
  HostConfig: host.map((fields) => ({ NetworkMode: "mine", ...fields })),
  NetworkingConfig: sparse({
    EndpointsConfig: fc.dictionary(constantFrom("mine", "Mine"), fc.option(endpoint), {
      noNullPrototype: true,
    }),
  }),
}).map((fields) => ({ HostConfig: { NetworkMode: "mine" }, ...fields }));

const update = sparse({
  ...{ ...changeable, RestartPolicy: policy, PublishAdd: ports },
  PublishRemove: fc.array(sparse({ HostIp: constant("::1"), HostPort: constant("80"), Protocol: constant("udp") }), {
    maxLength: 2,
  }).map((names) => names.map((name) => ({ ContainerPort: "80", ...name }))),
});

const volume = sparse({ Name: word, Driver: word, Labels: mapOf(word), DriverOpts: mapOf(word) });

const network = sparse({
  ...{ CheckDuplicate: flag, Driver: constantFrom("bridge", ""), Scope: constant("local"), EnableIPv4: constant(true) },
  ...{ EnableIPv6: flag, Internal: flag, Attachable: flag, ConfigFrom: constant({ Network: "" }), Labels: mapOf(word) },
  Options: constantFrom({}, { "com.docker.network.driver.mtu": "1400" }),
  IPAM: sparse({
    ...{ Driver: constant("default"), Options: constant({}) },
    Config: fc.array(
      constant({
        Subnet: "10.0.0.0/16",
        IPRange: "10.0.1.0/24",
        Gateway: "10.0.0.1",
        AuxiliaryAddresses: { A: "10.0.0.2" },
      }),
      { maxLength: 1 },
    ),
  }),
}).map((fields) => ({ Name: "net", ...fields }));

const exec = sparse({
  ...{ AttachStdin: flag, AttachStdout: flag, AttachStderr: flag, ConsoleSize: size, DetachKeys: word, Tty: flag },
  ...{ Env: words, Cmd: words, Privileged: flag, User: word, WorkingDir: word, Detach: flag },
});

const REQUESTS: Readonly<Record<string, readonly [fc.Arbitrary<unknown>, (body: unknown) => unknown]>> = {
  "to create a container": [creation, parseCreateRequest],
  "to update a container": [update, parseUpdateRequest],
  "to create a volume": [volume, parseVolumeRequest],
  "to create a network": [network, parseNetworkRequest],
  "to connect a container": [
    sparse({ EndpointConfig: endpoint }).map((fields) => ({ Container: "web", ...fields })),
    parseConnectRequest,
  ],
  "to disconnect a container": [
    sparse({ Force: flag }).map((fields) => ({ Container: "web", ...fields })),
    parseDisconnectRequest,
  ],
  "to create an exec": [exec, parseExecRequest],
  "to start an exec": [sparse({ Detach: flag, Tty: flag, ConsoleSize: size }), parseExecStart],
};

for (const [name, [body, parse]] of Object.entries(REQUESTS)) {
  Deno.test(`a request ${name}: keys in any case and unknown keys give the same record`, () => {
    fc.assert(
      fc.property(body, SPELLING, (given, choices) => {
        const other = respelt(given, choices, (field, inner) => MAPS.has(field) && isObject(inner));
        assert.deepEqual(parse({ ...other as object, Unknown: { a: 1 }, "": 5 }), parse(given));
      }),
      REPRODUCIBLE,
    );
  });
}

Deno.test("settings in lower case take effect", () => {
  const confined = { readonlyRootfs: true, networkMode: "none", capDrop: ["ALL"], memory: 67108864, pidsLimit: 9 };
  const { hostConfig, networks } = parseCreateRequest({ Image: "busybox", HostConfig: confined });
  assert.deepEqual([hostConfig, networks], [
    { ReadonlyRootfs: true, NetworkMode: "none", CapDrop: ["ALL"], Memory: 67108864, PidsLimit: 9 },
    undefined,
  ]);
  const whole = parseCreateRequest({ image: "busybox", cmd: ["a"], hostConfig: { TmpFs: { "/A": "", "/a": "" } } });
  assert.deepEqual([whole.config, whole.hostConfig], [
    { Image: "busybox", Cmd: ["a"] },
    { Tmpfs: { "/A": "", "/a": "" } },
  ]);
  assert.deepEqual(parseUpdateRequest({ memory: 5 }).limits, { Memory: 5 });
  assert.equal(parseVolumeRequest({ name: "x" }).name, "x");
  assert.deepEqual(parseExecRequest({ cmd: ["a"], detachKeys: "ctrl-a" }), { Cmd: ["a"], DetachKeys: "ctrl-a" });
});

Deno.test("unsupported fields are refused in any case", () => {
  const refused: readonly (readonly [parse: () => unknown, message: RegExp])[] = [
    [() => parseCreateRequest({ hostconfig: { links: ["a"] } }), /--link/],
    [() => parseCreateRequest({ networkdisabled: true }), /NetworkDisabled/],
    [() => parseCreateRequest({ HostConfig: { deviceRequests: [{ count: -1 }] } }), /--gpus/],
    [() => parseCreateRequest({ HostConfig: { storageopt: { size: "1" } } }), /--storage-opt/],
    [() => parseCreateRequest({ HostConfig: { kernelmemory: 1 } }), /--kernel-memory/],
    [() => parseCreateRequest({ HostConfig: { utsmode: "host" }, hostname: "a" }), /hostname and the UTS mode/],
    [() => parseUpdateRequest({ devices: [{}] }), /--device/],
    [() => parseUpdateRequest({ cpurealtimeperiod: 5 }), /--cpu-rt-period/],
    [() => parseVolumeRequest({ clustervolumespec: { Group: "a" } }), /cluster volumes/],
    [() => parseNetworkRequest({ name: "a", configonly: true }), /--config-only/],
    [() => parseNetworkRequest({ name: "a", ipam: { options: { a: "b" } } }), /options of the address driver/],
    [() => parseConnectRequest({ container: "a", endpointconfig: { links: ["b"] } }), /--link/],
    [
      () => parseConnectRequest({ container: "a", endpointConfig: { ipamConfig: { linklocalips: ["x"] } } }),
      /link-local/,
    ],
  ];
  for (const [parse, message] of refused) assert.throws(parse, { message });
});

Deno.test("several keys of one field: the last one counts, objects and maps are merged", () => {
  const body = JSON.parse(`{
    "Image": "a", "IMAGE": "b", "Labels": {"x": "1", "y": "1"}, "labels": {"y": "2"}, "cmd": ["c"], "Cmd": ["d"],
    "HostConfig": {"ReadonlyRootfs": true, "Memory": 5, "CapDrop": ["ALL"], "LogConfig": {"Type": "none"}, "PidsLimit": 3},
    "hostConfig": {"memory": 6, "Binds": ["/a:/b"], "logconfig": {"config": {"a": "b"}}, "privileged": null, "pidslimit": null}
  }`);
  const { config, hostConfig } = parseCreateRequest(body);
  assert.deepEqual(config, { Image: "b", Labels: { x: "1", y: "2" }, Cmd: ["d"] });
  assert.deepEqual(hostConfig, {
    ...{ ReadonlyRootfs: true, Memory: 6, CapDrop: ["ALL"], Binds: ["/a:/b"] },
    LogConfig: { Type: "none", Config: { a: "b" } },
  });
});

Deno.test("a port without bindings, and a label named __proto__", () => {
  const body = JSON.parse('{"Labels":{"__proto__":"x"},"HostConfig":{"PortBindings":{"80/tcp":null}}}');
  const { config, hostConfig } = parseCreateRequest(body);
  assert.equal(JSON.stringify(config.Labels), '{"__proto__":"x"}');
  assert.deepEqual(hostConfig.PortBindings, { "80/tcp": null });
});
