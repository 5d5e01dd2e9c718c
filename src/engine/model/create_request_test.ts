import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import { parseCreateRequest } from "./create_request.ts";

function assertRefused(body: unknown, code: ErrorCode, message: RegExp): void {
  assert.throws(
    () => parseCreateRequest(body),
    (thrown) => {
      assert.ok(isTsdError(thrown, code), String(thrown));
      assert.match(thrown.message, message);
      return true;
    },
    JSON.stringify(body),
  );
}

Deno.test("a request is split into its parts; networks are apart", () => {
  const { config, hostConfig } = parseCreateRequest({
    Image: "busybox",
    Cmd: ["sh"],
    HostConfig: { NetworkMode: "none", Binds: ["/a:/b"] },
    NetworkingConfig: { EndpointsConfig: {} },
  });
  assert.deepEqual([config.Image, config.Cmd], ["busybox", ["sh"]]);
  assert.deepEqual(hostConfig, { NetworkMode: "none", Binds: ["/a:/b"] });
  assert.equal("HostConfig" in config || "NetworkingConfig" in config, false);
});

Deno.test("a command may be a string, as in Docker", () => {
  const { config } = parseCreateRequest({ Cmd: "ls -l", Entrypoint: "sh" });
  assert.deepEqual([config.Cmd, config.Entrypoint], [["ls -l"], ["sh"]]);
});

Deno.test("a value of the wrong type is refused with the field's name", () => {
  for (const body of [undefined, null, "text", 5, []]) {
    assertRefused(
      body,
      "invalid_argument",
      /^(?:config cannot be empty in order to create a container|invalid JSON: .+)$/,
    );
  }
  const wrong: [unknown, RegExp][] = [
    [{ Image: 5 }, /Config\.Image must be a text/],
    [{ Cmd: [1] }, /Config\.Cmd must be a list of texts/],
    [{ Env: { A: "b" } }, /Config\.Env must be a list of texts/],
    [{ Env: ["A=\0"] }, /Config\.Env must be a list of texts/],
    [{ Image: "a\0b" }, /Config\.Image must be a text without NUL/],
    [{ Labels: ["a"] }, /Config\.Labels must be an object of texts/],
    [{ OpenStdin: "yes" }, /Config\.OpenStdin must be true or false/],
    [{ StopTimeout: 1.5 }, /Config\.StopTimeout must be a whole number/],
    [{ HostConfig: [] }, /HostConfig must be an object/],
    [{ HostConfig: { Memory: "1g" } }, /HostConfig\.Memory must be a whole number/],
    [{ HostConfig: { Memory: 2 ** 60 } }, /HostConfig\.Memory must be a whole number/],
    [{ HostConfig: { Binds: "a" } }, /HostConfig\.Binds must be a list of texts/],
    [{ HostConfig: { Mounts: [1] } }, /HostConfig\.Mounts must be a list of objects/],
    [{ HostConfig: { Mounts: [{ Source: 5 }] } }, /HostConfig\.Mounts\[0\]\.Source must be a text/],
    [{ HostConfig: { Mounts: [{ BindOptions: [] }] } }, /HostConfig\.Mounts\[0\]\.BindOptions must be an object/],
    [
      { HostConfig: { Mounts: [{}, { BindOptions: { NonRecursive: 1 } }] } },
      /HostConfig\.Mounts\[1\]\.BindOptions\.NonRecursive must be true or false/,
    ],
    [{ HostConfig: { Devices: [{ PathOnHost: null, PathInContainer: {} }] } }, /Devices\[0\]\.PathInContainer must be/],
    [{ HostConfig: { BlkioDeviceReadBps: [{ Rate: -1 }] } }, /Rate must be a whole number that is not negative/],
    [{ HostConfig: { Ulimits: [{ Soft: "1" }] } }, /Ulimits\[0\]\.Soft must be a whole number/],
    [{ HostConfig: { ConsoleSize: [80] } }, /HostConfig\.ConsoleSize must be \[height, width\]/],
    [{ HostConfig: { ConsoleSize: [-1, 80] } }, /HostConfig\.ConsoleSize must be \[height, width\]/],
    [{ HostConfig: { Privileged: 1 } }, /HostConfig\.Privileged must be true or false/],
    ...["Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"].map((name): [unknown, RegExp] => [
      { Healthcheck: { [name]: "5s" } },
      new RegExp(`Config\\.Healthcheck\\.${name} must be a whole number`),
    ]),
    [{ Healthcheck: { Test: "exit 1" } }, /Config\.Healthcheck\.Test must be a list of texts/],
    [{ Healthcheck: { Test: ["CMD", 1] } }, /Config\.Healthcheck\.Test must be a list of texts/],
    [{ Volumes: { "/a": "b" } }, /Config\.Volumes must be an object of empty objects/],
    [{ HostConfig: { RestartPolicy: { MaximumRetryCount: "3" } } }, /RestartPolicy\.MaximumRetryCount must be a whole/],
    [
      { HostConfig: { PortBindings: { "80/tcp": {} } } },
      /HostConfig\.PortBindings\["80\/tcp"\] must be a list of objects/,
    ],
    [
      { HostConfig: { PortBindings: { "80/tcp": [{ HostPort: 8080 }] } } },
      /HostConfig\.PortBindings\["80\/tcp"\]\[0\]\.HostPort must be a text/,
    ],
    [{ NetworkingConfig: 5 }, /NetworkingConfig must be an object/],
    [
      { NetworkingConfig: { EndpointsConfig: { mine: { Aliases: "db" } } } },
      /EndpointsConfig\["mine"\]\.Aliases must be/,
    ],
    [{ HostConfig: { LogConfig: { Type: {} } } }, /HostConfig\.LogConfig\.Type must be a text/],
    [
      { HostConfig: { CgroupParent: `/a/${"x".repeat(256)}` } },
      /^invalid cgroup parent: \/a\/x+…: the name is too long$/,
    ],
  ];
  for (const [body, message] of wrong) assertRefused(body, "invalid_argument", message);
});

Deno.test("null equals absence at every depth", () => {
  const body = { Image: "a", Cmd: null, HostConfig: { Isolation: null, Mounts: [{ Source: null, Target: "/a" }] } };
  assert.deepEqual(parseCreateRequest(body).hostConfig, { Mounts: [{ Target: "/a" }] });
});

Deno.test("unsupported fields are refused unless they are empty", () => {
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ HostConfig: { Links: ["a"] } }, /--link/],
    [{ HostConfig: { DeviceRequests: [{ Count: -1 }] } }, /--gpus/],
    [{ HostConfig: { CpuRealtimeRuntime: 100 } }, /--cpu-rt-runtime/],
    [{ NetworkingConfig: { EndpointsConfig: { mine: { Links: ["a"] } } } }, /--link/],
    [{ NetworkingConfig: { EndpointsConfig: { mine: { DriverOpts: { a: "b" } } } } }, /--driver-opt/],
  ];
  for (const [body, message] of refused) assertRefused(body, "not_implemented", message);
  parseCreateRequest({
    Volumes: {},
    MacAddress: "",
    HostConfig: {
      PortBindings: {},
      PublishAllPorts: false,
      Links: null,
      DeviceRequests: [],
      CpuRealtimeRuntime: 0,
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    },
    NetworkingConfig: { EndpointsConfig: { default: { IPAMConfig: null, Aliases: [], DriverOpts: {} } } },
  });
});

Deno.test("contradictory fields are refused with Docker's texts", () => {
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ Hostname: "h", HostConfig: { UTSMode: "host" } }, /^conflicting options: hostname and the UTS mode$/],
    [{ HostConfig: { Isolation: "hyperv" } }, /^invalid isolation \(hyperv\): linux only supports 'default'$/],
  ];
  for (const [body, message] of refused) assertRefused(body, "invalid_argument", message);
  parseCreateRequest({ HostConfig: { UTSMode: "host", Isolation: "Default" } });
});

Deno.test("networks: the mode's network, further ones, and their endpoints", () => {
  const networks = (NetworkMode: string, EndpointsConfig: Record<string, unknown> = {}) =>
    parseCreateRequest({ Image: "a", HostConfig: { NetworkMode }, NetworkingConfig: { EndpointsConfig } }).networks;
  assert.deepEqual(networks("default", { default: {} }), { bridge: {} });
  assert.deepEqual(networks("mine", { other: { GwPriority: 2, MacAddress: "02-00-00-00-00-01" } }), {
    mine: {},
    other: { priority: 2, mac: "02:00:00:00:00:01" },
  });
  assert.deepEqual(networks("mine", { mine: { Aliases: ["db"], IPAMConfig: { IPv4Address: "10.0.0.9" } } }), {
    mine: { aliases: ["db"], address: "10.0.0.9" },
  });
  assert.equal(networks("none", { none: {} }), undefined);
  const mac = (MacAddress: string, NetworkMode: string, EndpointsConfig: Record<string, unknown> = {}) =>
    parseCreateRequest({ Image: "a", MacAddress, HostConfig: { NetworkMode }, NetworkingConfig: { EndpointsConfig } });
  const older = mac("02-00-00-00-00-01", "mine");
  assert.deepEqual([older.networks, older.config.MacAddress], [{ mine: { mac: "02:00:00:00:00:01" } }, undefined]);
  assert.throws(() => mac("02:00:00:00:00:01", "host"), /conflicting options: mac-address and the network mode/);
  const other = { mine: { MacAddress: "02:00:00:00:00:02" } };
  assert.throws(() => mac("02:00:00:00:00:01", "mine", other), /must match the endpoint-specific MAC address/);
  const bad: [string, Record<string, unknown>, RegExp][] = [
    [
      "bridge",
      { bridge: { IPAMConfig: { IPv4Address: "10.0.0.9" } } },
      /user specified IP address is supported on user/,
    ],
    ["bridge", { bridge: { Aliases: ["a"] } }, /network-scoped aliases are only supported for user-defined networks/],
    ["host", { mine: {} }, /can't be in mine too/],
    ["mine", { mine: { MacAddress: "x" } }, /invalid MAC address: x/],
    ["mine", { mine: { IPAMConfig: { IPv4Address: "x" } } }, /invalid IPv4 address: x/],
  ];
  for (const [mode, endpoints, message] of bad) assert.throws(() => networks(mode, endpoints), { message });
});
