import { strict as assert } from "node:assert";
import { cgroupVersion, filesystemOf } from "./machine.ts";
import type { Judgement } from "./aims.ts";
import { judgementLine, markdownLines, tableLines } from "./report.ts";
import type { Series } from "./rounds.ts";

const SERIES: readonly Series[] = [
  { row: "run", peer: "tsd", unit: "ms", samples: [50, 70] },
  { row: "run", peer: "docker", unit: "ms", samples: [120] },
  { row: "pull", peer: "tsd", unit: "ms", samples: [2500] },
  { row: "lines", peer: "tsd", unit: "MB/s", samples: [90] },
];

Deno.test("the table has a block for each row, with ratios to docker", () => {
  assert.deepEqual(tableLines(SERIES), [
    "          turns     median        min        max  to docker",
    "run",
    "  tsd         2    60.0 ms    50.0 ms    70.0 ms       0.50",
    "  docker      1   120.0 ms   120.0 ms   120.0 ms",
    "pull",
    "  tsd         1     2.50 s     2.50 s     2.50 s",
    "lines",
    "  tsd         1  90.0 MB/s  90.0 MB/s  90.0 MB/s",
  ]);
});

Deno.test("the Markdown table has a line for each row, with the verdicts on its aims", () => {
  const of = { row: "run", peer: "tsd" };
  const judgements: Judgement[] = [
    { of, against: { row: "run", peer: "docker" }, bound: "at most", limit: 0.6, value: 0.5, verdict: "pass" },
    { of, against: { row: "run", peer: "bare" }, bound: "at most", limit: 1.5, value: 2, verdict: "miss" },
    { of: { row: "pull", peer: "tsd slow" }, bound: "at most", limit: 0.6, value: 0.7, verdict: "miss" },
    { of: { ...of, row: "lines" }, bound: "at least", limit: 100, value: 90, verdict: "miss" },
  ];
  assert.deepEqual(markdownLines(SERIES, judgements), [
    "|  | tsd | docker | tsd / docker | aim |",
    "| --- | ---: | ---: | ---: | --- |",
    "| run | 60.0 ms | 120.0 ms | 0.50 | ≤ 0.6: pass, ≤ 1.5 × bare: miss (2.00) |",
    "| pull | 2.50 s |  |  | tsd slow ≤ 0.6: miss (0.70) |",
    "| lines | 90.0 MB/s |  |  | ≥ 100: miss |",
  ]);
});

Deno.test("a judgement is one line, with or without a ratio", () => {
  const of = { row: "run", peer: "tsd" };
  const cells = { of, against: { row: "run", peer: "docker" }, bound: "at most", limit: 0.6 } as const;
  assert.equal(
    judgementLine({ ...cells, value: 0.5, verdict: "pass" }),
    "pass          tsd run / docker 0.50, aim ≤ 0.6",
  );
  assert.equal(judgementLine({ ...cells, verdict: "not measured" }), "not measured  tsd run / docker, aim ≤ 0.6");
  const alone: Judgement = { of, bound: "at least", limit: 3, value: 2, verdict: "miss" };
  assert.equal(judgementLine(alone), "miss          tsd run 2.00, aim ≥ 3");
});

Deno.test("filesystemOf chooses the longest mount point above the path", () => {
  const mounts = "a / ext4 rw\nb /tmp tmpfs rw\nc /tmpfoo xfs rw\n";
  assert.equal(filesystemOf("/tmp/x", mounts), "tmpfs");
  assert.equal(filesystemOf("/tmp", mounts), "tmpfs");
  assert.equal(filesystemOf("/var", mounts), "ext4");
});

Deno.test("cgroupVersion distinguishes v1, v2 and hybrid mounts", () => {
  const [v1, v2] = ["cgroup /c/cpu cgroup rw\n", "cgroup2 /c cgroup2 rw\n"];
  assert.equal(cgroupVersion(v1), "v1");
  assert.equal(cgroupVersion(v2), "v2");
  assert.equal(cgroupVersion(v1 + v2), "v1 (hybrid)");
});
