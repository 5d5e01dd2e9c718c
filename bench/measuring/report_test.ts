import { strict as assert } from "node:assert";
import { cgroupVersion, filesystemOf } from "./machine.ts";
import { judgementLine, tableLines } from "./report.ts";

Deno.test("the table has a block for each row, with ratios to docker", () => {
  const series = [
    { row: "run", contender: "tsd", samplesMs: [50, 70] },
    { row: "run", contender: "docker", samplesMs: [120] },
    { row: "pull", contender: "tsd", samplesMs: [2500] },
  ];
  assert.deepEqual(tableLines(series), [
    "          runs    median       min       max  to docker",
    "run",
    "  tsd        2   60.0 ms   50.0 ms   70.0 ms       0.50",
    "  docker     1  120.0 ms  120.0 ms  120.0 ms",
    "pull",
    "  tsd        1    2.50 s    2.50 s    2.50 s",
  ]);
});

Deno.test("a judgement is one line, with or without a ratio", () => {
  const cells = { of: { row: "run", contender: "tsd" }, against: { row: "run", contender: "docker" }, atMost: 0.6 };
  assert.equal(
    judgementLine({ ...cells, ratio: 0.5, verdict: "pass" }),
    "pass          tsd run / docker 0.50, aim ≤ 0.6",
  );
  assert.equal(judgementLine({ ...cells, verdict: "not measured" }), "not measured  tsd run / docker, aim ≤ 0.6");
});

Deno.test("a folder's file system is that of the longest mount point above it", () => {
  const mounts = "a / ext4 rw\nb /tmp tmpfs rw\nc /tmpfoo xfs rw\n";
  assert.equal(filesystemOf("/tmp/x", mounts), "tmpfs");
  assert.equal(filesystemOf("/tmp", mounts), "tmpfs");
  assert.equal(filesystemOf("/var", mounts), "ext4");
});

Deno.test("the cgroup version is told by what is mounted", () => {
  const [v1, v2] = ["cgroup /c/cpu cgroup rw\n", "cgroup2 /c cgroup2 rw\n"];
  assert.equal(cgroupVersion(v1), "v1");
  assert.equal(cgroupVersion(v2), "v2");
  assert.equal(cgroupVersion(v1 + v2), "v1 (hybrid)");
});
