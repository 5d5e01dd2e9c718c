import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { capabilityBoundingSet, getrlimit, isErrno, processes, processStat, readProcFile } from "./mod.ts";
import { RLIM_INFINITY, RLIMIT, setrlimit } from "./mod.ts";
import { parseCapabilityBoundingSet, parseProcessStat, processStartTime } from "./process_info.ts";

const REST = "0 -1 4194560 1 0 0 0 3 4 0 0 20 0 1 0 98765 2 3 18446744073709551615 " +
  "1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 2304";

Deno.test("parseProcessStat survives names with spaces and parentheses", () => {
  for (const name of ["sh", "a b", ") R 1 (", "x) Z 99 99", "\n"]) {
    const stat = parseProcessStat(`123 (${name}) Z 7 123 123 ${REST}\n`);
    assert.deepEqual(stat, { state: "Z", parentPid: 7, startTimeTicks: 98765n, exitStatus: 0x900 }, name);
  }
});

Deno.test("processStartTime: of this process, and undefined for an unused pid", () => {
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

Deno.test("setrlimit lowers and restores a soft limit", () => {
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

Deno.test("readProcFile returns undefined for a process that exited before the open or the read", () => {
  assert.match(readProcFile("/proc/self/stat") ?? "", /^\d+ \(/);
  assert.equal(readProcFile("/proc/4194305/stat"), undefined);
  const pid = processes.spawn({ path: "/bin/sh", argv: ["sh", "-c", "exit 0"], env: {}, stdio: [] });
  untilZombie(pid);
  // A zombie has no memory: its environment opens, and reading fails with ESRCH or returns nothing.
  assert.ok(["", undefined].includes(readProcFile(`/proc/${pid}/environ`)));
  processes.waitpid(pid, 0);
});

function untilZombie(pid: number): void {
  const deadline = Date.now() + 5000;
  while (processStat(pid)?.state !== "Z") assert.ok(Date.now() < deadline, "it didn't end");
}
