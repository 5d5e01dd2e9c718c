import { strict as assert } from "node:assert";
import { parseSeccompProfile, resolveSeccompProfile } from "./profile.ts";
import { defaultSeccomp, kernelAtLeast } from "./resolve.ts";

const CONTEXT = { capabilities: ["CAP_KILL"], arch: "x86_64", kernel: "5.10.0-28-amd64", x32: true };
const resolved = (text: string) => resolveSeccompProfile(parseSeccompProfile(text), CONTEXT);
const rule = (more: object) => ({ names: ["mkdir"], action: "SCMP_ACT_ERRNO", ...more });

Deno.test("the conditions of a profile are evaluated", () => {
  const kept = [
    rule({ includes: { caps: ["CAP_KILL"], arches: ["amd64"], minKernel: "4.8" } }),
    rule({ excludes: { caps: ["CAP_SYS_ADMIN"], arches: ["arm64"], minKernel: "6.0" } }),
    rule({ includes: {}, excludes: null, args: null }),
  ];
  const dropped = [
    rule({ includes: { caps: ["CAP_KILL", "CAP_SYS_ADMIN"] } }),
    rule({ includes: { arches: ["arm64"] } }),
    rule({ includes: { minKernel: "5.11" } }),
    rule({ excludes: { caps: ["CAP_KILL", "CAP_SYS_ADMIN"] } }),
    rule({ excludes: { arches: ["amd64"] } }),
    rule({ excludes: { minKernel: "5.10" } }),
  ];
  const filter = resolved(JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [...kept, ...dropped] }));
  assert.deepEqual(filter?.syscalls, kept.map(() => rule({})));
});

Deno.test("a profile's architectures, errno, arguments and legacy names are converted", () => {
  const filter = resolved(`{
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "flags": ["SECCOMP_FILTER_FLAG_LOG"],
    "archMap": [{"architecture": "SCMP_ARCH_AARCH64"}, {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
    "syscalls": [{"name": "socket", "action": "SCMP_ACT_ALLOW", "errnoRet": 5,
      "args": [{"index": 0, "value": 18446744073709551615, "valueTwo": 3, "op": "SCMP_CMP_NE"}]}]
  }`);
  assert.equal(
    JSON.stringify(filter),
    '{"defaultErrnoRet":38,"flags":["SECCOMP_FILTER_FLAG_LOG"],"defaultAction":"SCMP_ACT_ERRNO",' +
      '"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],"syscalls":[{"names":["socket"],"action":"SCMP_ACT_ALLOW",' +
      '"errnoRet":5,"args":[{"index":0,"value":18446744073709551615,"valueTwo":3,"op":"SCMP_CMP_NE"}]}]}',
  );
});

Deno.test("a profile's keys may be in any case; what its form doesn't have is dropped", () => {
  const filter = resolved(`{
    "DefaultAction": "SCMP_ACT_ALLOW", "odd": 1, "FLAGS": ["SECCOMP_FILTER_FLAG_LOG"],
    "Syscalls": [
      {"Names": ["mkdir"], "ACTION": "SCMP_ACT_ERRNO", "Comment": "x", "Args": [{"Index": 1, "VALUE": 7, "Op": "SCMP_CMP_EQ"}]},
      {"\u017fyscalls": [], "names": ["mount"], "action": "SCMP_ACT_KILL", "Excludes": {"ARCHES": ["amd64"]}}
    ]
  }`);
  assert.deepEqual(filter, {
    ...{ defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_LOG"] },
    syscalls: [{ ...rule({}), args: [{ index: 1, value: 7, op: "SCMP_CMP_EQ" }] }],
  });
});

Deno.test("an empty profile means no filter", () => {
  assert.equal(resolved("{}"), undefined);
});

Deno.test("malformed profiles are rejected", () => {
  const both = { architectures: ["SCMP_ARCH_X86"], archMap: [{ architecture: "SCMP_ARCH_X86" }], syscalls: [rule({})] };
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [[], /^Decoding seccomp profile failed: it is not an object$/],
    [{ syscalls: {} }, /'syscalls' is not a list/],
    [{ syscalls: [{ names: ["a"] }] }, /needs an 'action'/],
    [{ syscalls: [{ action: "x" }] }, /needs 'names'/],
    [{ syscalls: [{ name: "a", names: ["b"], action: "x" }] }, /^both 'name' and 'names' are specified/],
    [{ syscalls: [rule({ includes: { minKernel: "new" } })] }, /"new" is not a kernel version/],
    [both, /^both 'architectures' and 'archMap' are specified/],
  ];
  for (const [profile, message] of bad) {
    assert.throws(() => resolved(JSON.stringify(profile)), { code: "invalid_argument", message });
  }
  const texts: readonly (readonly [text: string, message: RegExp])[] = [
    ["{", /./],
    ['{"syscalls":[],"syscalls":[]}', /: the key "syscalls" stands twice in one object$/],
    ["[".repeat(1e6), /: it is nested deeper than 64 levels$/],
    [`{"x":${"[".repeat(1e6)}${"]".repeat(1e6)}}`, /: it is nested deeper than 64 levels$/],
  ];
  for (const [text, message] of texts) {
    assert.throws(() => parseSeccompProfile(text), {
      code: "invalid_argument",
      message: /^Decoding seccomp profile failed/,
    });
    assert.throws(() => parseSeccompProfile(text), { message });
  }
});

Deno.test("kernelAtLeast compares kernel releases", () => {
  for (const release of ["4.8.0", "4.19-rc1", "5.0", "10.1.2-arch"]) assert.ok(kernelAtLeast(release, [4, 8]), release);
  for (const release of ["4.7.9", "3.10.0", "", "next"]) assert.equal(kernelAtLeast(release, [4, 8]), false, release);
});

Deno.test("the default filter depends on the capabilities, the machine and the kernel", () => {
  const names = (more: Partial<typeof CONTEXT>) => {
    const { syscalls } = defaultSeccomp({ ...CONTEXT, ...more });
    return { allowed: syscalls[0].names, ruled: syscalls.slice(1).map((call) => call.names[0]) };
  };
  const plain = names({});
  for (const name of ["openat", "ptrace", "arch_prctl"]) assert.ok(plain.allowed.includes(name), name);
  for (const name of ["mount", "clone", "clone3", "socket", "chroot", "keyctl", "io_uring_setup", "userfaultfd"]) {
    assert.equal(plain.allowed.includes(name), false, name);
  }
  assert.ok(plain.ruled.includes("clone") && plain.ruled.includes("clone3"));
  const admin = names({ capabilities: ["CAP_SYS_ADMIN"] });
  for (const name of ["mount", "clone", "clone3", "bpf"]) assert.ok(admin.allowed.includes(name), name);
  assert.equal(admin.ruled.includes("clone3"), false);
  assert.ok(names({ capabilities: ["CAP_SYS_CHROOT"] }).allowed.includes("chroot"));
  assert.equal(names({ kernel: "4.7.0" }).allowed.includes("ptrace"), false);
  const arm = names({ arch: "aarch64" }).allowed;
  assert.deepEqual([arm.includes("arch_prctl"), arm.includes("cacheflush")], [false, true]);
  const architectures = (x32: boolean) => defaultSeccomp({ ...CONTEXT, x32 }).architectures;
  assert.deepEqual(architectures(true), ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
  assert.deepEqual(architectures(false), ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
});
