import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { processStartTime } from "../sys/mod.ts";
import { isInCgroup, openProcess } from "./orphaned_process.ts";

Deno.test("left process: found by its number and its start together only", async () => {
  const sleeping = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  const startTicks = processStartTime(sleeping.pid)!;
  try {
    using found = openProcess(sleeping.pid, String(startTicks));
    assert.notEqual(found, undefined);
    assert.equal(openProcess(sleeping.pid, String(startTicks + 1n)), undefined);
  } finally {
    sleeping.kill("SIGKILL");
    await sleeping.status;
  }
  assert.equal(openProcess(sleeping.pid, String(startTicks)), undefined);
  assert.equal(isInCgroup(sleeping.pid, ""), false);
});

Deno.test("left process: in a cgroup by a whole part of its path", async () => {
  const lines = (await Deno.readTextFile("/proc/self/cgroup")).trim().split("\n");
  const name = lines.map((line) => line.replace(/^.*\//, "")).find((last) => last !== "");
  if (name !== undefined) assert.equal(isInCgroup(Deno.pid, name), true);
  assert.equal(isInCgroup(Deno.pid, "no-such-cgroup"), false);
});
