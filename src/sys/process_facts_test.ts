import { strict as assert } from "node:assert";
import "./preopen.ts";
import { capabilityBoundingSet, getrlimit, isErrno, RLIM_INFINITY, RLIMIT, setrlimit } from "./mod.ts";
import { parseCapabilityBoundingSet, parseProcessStat, processStartTime } from "./process_facts.ts";

const REST = "0 -1 4194560 1 0 0 0 3 4 0 0 20 0 1 0 98765 2 3 18446744073709551615 " +
  "1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 2304";

Deno.test("parseProcessStat survives names with spaces and parentheses", () => {
  for (const name of ["sh", "a b", ") R 1 (", "x) Z 99 99", "\n"]) {
    const stat = parseProcessStat(`123 (${name}) Z 7 123 123 ${REST}\n`);
    assert.deepEqual(stat, { state: "Z", parentPid: 7, startTimeTicks: 98765n, exitStatus: 0x900 }, name);
  }
});

Deno.test("processStartTime: of this process, and of none", () => {
  const ticks = processStartTime(Deno.pid);
  assert.ok(ticks !== undefined && ticks > 0n);
  assert.equal(ticks, processStartTime(Deno.pid));
  assert.equal(processStartTime(2 ** 22 + 1), undefined);
});

Deno.test("the capability bounding set is read as bits", () => {
  assert.equal(parseCapabilityBoundingSet("CapEff:\t0\nCapBnd:\t000001fffeffffff\n"), 0x1fffeffffffn);
  assert.throws(() => parseCapabilityBoundingSet("Name:\tx\n"));
  assert.ok(capabilityBoundingSet() >= 0n);
});

Deno.test("limits: soft is lowered and set back", () => {
  const before = getrlimit(RLIMIT.NOFILE);
  assert.ok(before.soft <= before.hard && before.hard <= RLIM_INFINITY);
  setrlimit(RLIMIT.NOFILE, { soft: before.soft - 1n, hard: before.hard });
  try {
    assert.equal(getrlimit(RLIMIT.NOFILE).soft, before.soft - 1n);
  } finally {
    setrlimit(RLIMIT.NOFILE, before);
  }
  assert.throws(() => setrlimit(RLIMIT.NOFILE, { soft: 2n, hard: 1n }), (e) => isErrno(e, "EINVAL"));
  assert.throws(() => getrlimit(999), (e) => isErrno(e, "EINVAL"));
});
