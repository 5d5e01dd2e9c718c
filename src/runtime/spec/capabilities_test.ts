import { strict as assert } from "node:assert";
import { CAPABILITY_NUMBERS, DEFAULT_CAPABILITIES, grantCapabilities, normaliseCapabilities } from "./capabilities.ts";
import { capabilitiesBut } from "./spec_testing.ts";

const MACHINE = { privileged: false, boundingCapabilities: capabilitiesBut(), lastCapability: 40 };

Deno.test("capability numbers match linux/capability.h", () => {
  const known = {
    CAP_CHOWN: 0,
    CAP_SETPCAP: 8,
    CAP_NET_RAW: 13,
    CAP_SYS_ADMIN: 21,
    CAP_SYS_RESOURCE: 24,
    CAP_MKNOD: 27,
  };
  const later = { CAP_SETFCAP: 31, CAP_SYSLOG: 34, CAP_PERFMON: 38, CAP_BPF: 39, CAP_CHECKPOINT_RESTORE: 40 };
  for (const [name, number] of Object.entries({ ...known, ...later })) {
    assert.equal(CAPABILITY_NUMBERS.get(name), number, name);
  }
  assert.equal(CAPABILITY_NUMBERS.size, 41);
});

Deno.test("names are accepted in any case, with and without CAP_", () => {
  const given = ["net_admin", "CAP_SYS_TIME", "cap_kill", "all"];
  assert.deepEqual(normaliseCapabilities(given, "CapAdd"), ["CAP_NET_ADMIN", "CAP_SYS_TIME", "CAP_KILL", "ALL"]);
  assert.throws(() => normaliseCapabilities(["fly"], "CapDrop"), {
    code: "invalid_argument",
    message: 'invalid CapDrop: unknown capability: "CAP_FLY"',
  });
});

Deno.test("capabilities are added and dropped", () => {
  const granted = (capAdd: string[], capDrop: string[] = []) =>
    grantCapabilities({ ...MACHINE, capAdd, capDrop }).granted;
  assert.deepEqual(granted([]), DEFAULT_CAPABILITIES);
  assert.deepEqual(granted(["KILL"]), DEFAULT_CAPABILITIES);
  assert.deepEqual(granted(["SYS_TIME", "SYS_TIME"], ["CHOWN"]), [...DEFAULT_CAPABILITIES.slice(1), "CAP_SYS_TIME"]);
  assert.deepEqual(granted(["KILL"], ["ALL"]), ["CAP_KILL"]);
  assert.deepEqual(granted([], ["ALL"]), []);
  assert.equal(granted(["ALL"]).length, 41);
  assert.equal(granted(["ALL"], ["SYS_ADMIN"]).includes("CAP_SYS_ADMIN"), false);
});

Deno.test("unavailable capabilities are omitted and reported; those unknown to the kernel are ignored", () => {
  const boundingCapabilities = capabilitiesBut("CAP_SYS_RESOURCE", "CAP_MKNOD", "CAP_CHECKPOINT_RESTORE");
  const machine = { ...MACHINE, boundingCapabilities, lastCapability: 39 };
  assert.deepEqual(grantCapabilities(machine).unavailable, ["CAP_MKNOD"]);
  const all = grantCapabilities({ ...machine, privileged: true });
  assert.deepEqual(all.unavailable, ["CAP_SYS_RESOURCE", "CAP_MKNOD"]);
  assert.equal(all.granted.length, 38);
});
