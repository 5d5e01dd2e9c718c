/** Values of flags and the errors for invalid ones: the messages are those of docker 28.2 for the same command line. */
import { strict as assert } from "node:assert";
import fc from "fast-check";
import { parseFlags, UsageError } from "../../cli/mod.ts";
import { CREATE_FLAGS, type CreateFlagValues } from "../container/create_flags.ts";
import { createRequest } from "../container/create_request.ts";
import { csvFields } from "./csv.ts";
import { parseDevice } from "./device.ts";
import { readBytes, readCpus } from "./flag_values.ts";
import { exposedPorts } from "./name_values.ts";
import { REFUSED_FLAGS } from "../container/refused_flags.ts";
import { ulimits } from "./ulimit.ts";

async function build(...argv: string[]) {
  const { flags, args } = parseFlags({ ...CREATE_FLAGS, ...REFUSED_FLAGS }, [...argv, "img"], { flagsFirst: true });
  return await createRequest(flags as CreateFlagValues, args, {
    env: () => undefined,
    cwd: "/home/me/work",
    detached: false,
  });
}

const RATE = "Number must be a positive integer";
const BYTE_RATE = `<device-path>:<number>[<unit>]. ${RATE}. Unit is optional and can be kb, mb, or gb`;
const invalidRate = (text: string, format: string) =>
  `invalid rate for device: ${text}. The correct format is ${format}`;

/** Flag, value and reason of the error. */
const BAD_VALUES: readonly (readonly [flag: string, value: string, why: string])[] = [
  ["-m, --memory", "abc", "invalid size: 'abc'"],
  ["-m, --memory", "1.2.3m", 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'],
  ["-m, --memory", "1x", "invalid suffix: 'x'"],
  ["-m, --memory", "5mbb", "invalid suffix: 'mbb'"],
  ["-m, --memory", "-5", "invalid size: '-5'"],
  ["-m, --memory", "", "invalid size: ''"],
  ["--memory-swap", "-2", "invalid size: '-2'"],
  ["--shm-size", "x", "invalid size: 'x'"],
  ["--cpus", "x", "failed to parse x as a rational number"],
  ["--cpus", "0.0000000001", "value is too precise"],
  ["--ulimit", "x", "invalid ulimit argument: x"],
  ["--ulimit", "nofile=a", 'strconv.ParseInt: parsing "a": invalid syntax'],
  ["--ulimit", "as=1", "invalid ulimit type: as"],
  ["--ulimit", "nofile=2:1", "ulimit soft limit must be less than or equal to hard limit: 2 > 1"],
  [
    "--ulimit",
    "nofile=1:2:3",
    "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`",
  ],
  ["--blkio-weight", "x", 'strconv.ParseUint: parsing "x": invalid syntax'],
  ["--blkio-weight", "70000", 'strconv.ParseUint: parsing "70000": value out of range'],
  ["--blkio-weight-device", "/dev/x:5", "invalid weight for device: /dev/x:5"],
  ["--device-read-bps", "x", "bad format: x"],
  ["--device-read-bps", "/x:1", "bad format for device path: /x:1"],
  ["--device-read-bps", "/dev/sda:x", invalidRate("/dev/sda:x", BYTE_RATE)],
  ["--device-write-iops", "/dev/sda:x", invalidRate("/dev/sda:x", `<device-path>:<number>. ${RATE}`)],
  ["--device-cgroup-rule", "x", "invalid device cgroup format 'x'"],
  ["--dns", "1.2.3.04", "IP address is not correctly formatted: 1.2.3.04"],
  ["--dns", "::1%eth0", "IP address is not correctly formatted: ::1%eth0"],
  ["--dns-search", "a..b", "a..b is not a valid domain"],
  ["--add-host", "x", 'bad format for add-host: "x"'],
  ["--add-host", "x:y", 'invalid IP address in add-host: "y"'],
  ["--add-host", "x:", 'invalid IP address in add-host: ""'],
  ["--sysctl", "a.b=c", "sysctl 'a.b=c' is not allowed"],
  ["--sysctl", "net.ipv4.ip_forward", "sysctl 'net.ipv4.ip_forward' is not allowed"],
  ["-l, --label", "a b=c", "label 'a b' contains whitespaces"],
  ["--mount", "x", "invalid field 'x' must be a key=value pair"],
  ["--mount", "", "EOF"],
  ["--mount", "=", "unexpected key '' in '='"],
  ["--mount", "type=tmpfs", "target is required"],
  ["--mount", "type=tmpfs,dst=/x,foo=1", "unexpected key 'foo' in 'foo=1'"],
  ["--mount", "type=tmpfs,dst=/x,tmpfs-size=x", "invalid value for tmpfs-size: x"],
  ["--mount", "type=tmpfs,dst=/x,tmpfs-mode=9", "invalid value for tmpfs-mode: 9"],
  ["--mount", "type=bind,dst=/x,tmpfs-mode=7", "cannot mix 'tmpfs-*' options with mount type 'bind'"],
  ["--mount", "type=bind,dst=/x,readonly=odd", "invalid value for readonly: odd"],
  [
    "--mount",
    "type=bind,dst=/x,bind-recursive=odd",
    'invalid value for bind-recursive: odd (must be "enabled", "disabled", "writable", or "readonly")',
  ],
  [
    "--mount",
    "type=bind,dst=/x,bind-recursive=readonly",
    "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction",
  ],
  ["--mount", 'a"b', 'parse error on line 1, column 2: bare " in non-quoted-field'],
  ["--mount", '"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'],
  ["--mount", '"ab', 'parse error on line 1, column 4: extraneous or missing " in quoted-field'],
];

for (const [flag, value, why] of BAD_VALUES) {
  Deno.test(`${flag} ${JSON.stringify(value)}: ${why}`, async () => {
    const message = `invalid argument ${JSON.stringify(value)} for "${flag}" flag: ${why}`;
    await assert.rejects(build(flag.split(" ").at(-1)!, value), { name: "UsageError", message });
  });
}

/** Errors that are detected only after all flags were parsed. */
const REFUSED: readonly (readonly [argv: string, message: string])[] = [
  ["--memory-swappiness 101", "invalid value: 101. Valid memory swappiness range is 0-100"],
  ["--device :x", "bad format for path: :x"],
  ["--device a:b:c:d", "bad format for path: a:b:c:d"],
  ["--device /dev/null:/dev/x:zz", "bad mode specified: zz"],
  ["--device /dev/null:/dev/x:rr", "bad mode specified: rr"],
  ["--device /dev/null:rel", "rel is not an absolute path"],
  ["--security-opt x", 'Invalid --security-opt: "x"'],
  [
    "--security-opt seccomp=/no/where",
    "opening seccomp profile (/no/where) failed: open /no/where: no such file or directory",
  ],
  ["--pid x", "--pid: invalid PID mode"],
  ["--pid container:", "--pid: invalid PID mode"],
  ["--uts x", "--uts: invalid UTS mode"],
  ["--cgroupns x", "--cgroupns: invalid CGROUP mode"],
  ["--userns x", "--userns: invalid USER mode"],
  ["--expose 1:2", "invalid port format for --expose: 1:2"],
  ["--expose /tcp", "invalid range format for --expose: /tcp, error: empty string specified for ports"],
  ["--expose 3-2", "invalid range format for --expose: 3-2, error: invalid range specified for port: 3-2"],
  [
    "--expose a",
    'invalid range format for --expose: a, error: strconv.ParseUint: parsing "a": invalid syntax',
  ],
  [
    "--expose 70000",
    'invalid range format for --expose: 70000, error: strconv.ParseUint: parsing "70000": value out of range',
  ],
  ["--expose 80/abc", "invalid proto: abc"],
  ["--label-file /no/where", "open /no/where: no such file or directory"],
  ["--rm --restart always", "conflicting options: cannot specify both --restart and --rm"],
  ["-p 80/foo", "invalid proto: foo"],
  ["-p 80-82:80-81", "invalid ranges specified for container and host Ports: 80-81 and 80-82"],
  ["--gpus all", "--gpus is not supported yet"],
  ["--cpu-count 2", "--cpu-count is not supported: it is for Windows only"],
];

for (const [argv, message] of REFUSED) {
  Deno.test(`${argv}: ${message}`, async () => {
    await assert.rejects(build(...argv.split(" ")), { name: "UsageError", message });
  });
}

Deno.test("sizes: units of 1024, fractions and spaces are accepted", () => {
  const sizes: readonly (readonly [string, number])[] = [
    ["32", 32],
    ["32b", 32],
    ["32 B", 32],
    ["1.5g", 1.5 * 2 ** 30],
    ["64MiB", 64 << 20],
    ["64Mb", 64 << 20],
    [".5k", 512],
    ["1t", 2 ** 40],
    ["0", 0],
  ];
  for (const [text, sizeBytes] of sizes) assert.equal(readBytes(text), sizeBytes, text);
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      assert(readBytes(text) >= 0);
    } catch (thrown) {
      assert(thrown instanceof UsageError);
    }
  }));
});

Deno.test("CPUs are converted to billionths exactly", () => {
  const cpus: readonly (readonly [string, number])[] = [
    ["1.5", 1.5e9],
    ["1/2", 5e8],
    ["1/3e0", NaN],
    ["25e-2", 2.5e8],
    [".000000001", 1],
    ["2", 2e9],
    ["-1", -1e9],
  ];
  for (const [text, value] of cpus) {
    if (Number.isNaN(value)) assert.throws(() => readCpus(text), UsageError);
    else assert.equal(readCpus(text), value, text);
  }
  fc.assert(fc.property(fc.nat(1e9), (nanos) => {
    assert.equal(readCpus(`${Math.floor(nanos / 1e9)}.${String(nanos % 1e9).padStart(9, "0")}`), nanos);
  }));
});

Deno.test("limits: the last one of a type wins, and the hard limit defaults to the soft limit", () => {
  assert.deepEqual(ulimits(["nproc=5", "core=-1", "nofile=1:2", "nproc=7:-1"]), [
    { Name: "core", Soft: -1, Hard: -1 },
    { Name: "nofile", Soft: 1, Hard: 2 },
    { Name: "nproc", Soft: 7, Hard: -1 },
  ]);
});

Deno.test("devices: a path, a path in the container and permissions are parsed", () => {
  const device = (text: string) => Object.values(parseDevice(text)).join(" ");
  assert.equal(device("/dev//null"), "/dev/null /dev/null rwm");
  assert.equal(device("/dev/null:r"), "/dev/null /dev/null r");
  assert.equal(device("/dev/null:/dev/./x/"), "/dev/null /dev/x rwm");
  assert.equal(device("/dev/null:/dev/x:mr"), "/dev/null /dev/x mr");
});

Deno.test("exposed port ranges are expanded to single ports", () => {
  assert.deepEqual(exposedPorts(["80", "53/UDP", "8000-8002/tcp", "9/"]), [
    ...["80/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp", "9/tcp"],
  ]);
});

Deno.test("comma-separated fields: quoted fields round-trip", () => {
  fc.assert(fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (fields) => {
    const line = fields.map((field) => /[,"]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field).join(",");
    assert.deepEqual(csvFields(line), fields);
  }));
});

Deno.test("mounts: every field is converted to its API field", async () => {
  const mount = async (text: string) => (await build("--mount", text)).HostConfig?.Mounts?.[0];
  assert.deepEqual(await mount("type=bind,src=./data,dst=/d,ro,bind-propagation=rprivate,bind-recursive=readonly"), {
    Type: "bind",
    Source: "/home/me/work/data",
    Target: "/d",
    ReadOnly: true,
    BindOptions: { Propagation: "rprivate", ReadOnlyForceRecursive: true },
  });
  assert.deepEqual(await mount('TYPE=tmpfs,"target=/a,b",tmpfs-size=64m,tmpfs-mode=1770,readonly=false'), {
    Type: "tmpfs",
    Target: "/a,b",
    TmpfsOptions: { SizeBytes: 64 << 20, Mode: 0o1770 },
  });
  assert.deepEqual(await mount("src=data,dst=/d,volume-nocopy,volume-label=a=b,volume-driver=x,volume-opt=o=bind"), {
    Type: "volume",
    Source: "data",
    Target: "/d",
    VolumeOptions: { Labels: { a: "b" }, NoCopy: true, DriverConfig: { Name: "x", Options: { o: "bind" } } },
  });
  assert.deepEqual(await mount("type=bind,source=/s,destination=/d,bind-recursive=enabled,consistency=cached"), {
    Type: "bind",
    Source: "/s",
    Target: "/d",
    Consistency: "cached",
  });
});

Deno.test("a seccomp profile is sent to the engine as its content, with the exact digits of numbers", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, '{ "defaultAction": "a \\" b",\n "v": 18446744073709551615 }');
    const { HostConfig } = await build("--security-opt", `seccomp=${file}`, "--security-opt", "systempaths=unconfined");
    assert.deepEqual(HostConfig?.SecurityOpt, ['seccomp={"defaultAction":"a \\" b","v":18446744073709551615}']);
    assert.deepEqual([HostConfig?.MaskedPaths, HostConfig?.ReadonlyPaths], [[], []]);
    await Deno.writeTextFile(file, "{");
    await assert.rejects(
      build("--security-opt", `seccomp=${file}`),
      /compacting json for seccomp profile \(.*\) failed/,
    );
  } finally {
    await Deno.remove(file);
  }
});
