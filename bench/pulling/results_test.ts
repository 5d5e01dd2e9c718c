import { strict as assert } from "node:assert";
import type { Series } from "../measuring/rounds.ts";
import { pullMarkdown, pullPicture, type PullResults } from "./results.ts";

const SERIES: readonly Series[] = [
  { row: "pull of one layer", peer: "tsd", unit: "ms", samples: [1000, 2000, 9000] },
  { row: "pull of one layer", peer: "docker", unit: "ms", samples: [4000] },
  { row: "peak", peer: "tsd", unit: "MB", samples: [200] },
];
const RESULTS: PullResults = {
  date: "2026-11-27T10:00:00.000Z",
  machine: {
    ...{ cores: 2, processor: "P", memoryGb: 8, kernel: "6", system: "S", cgroups: "v2", filesystem: "ext4" },
    ...{ deno: "2", runc: "1" },
  },
  load: [0.1, 2],
  peers: ["tsd 1"],
  missing: ["podman is left out: not found"],
  series: SERIES,
  aims: [],
  images: new Map([["one layer", { layers: 1, compressedBytes: 1.4e6, tarBytes: 5e6, entries: 7 }]]),
  elapsedMs: 125_000,
};

Deno.test("the report has the tables, the images, the machine and the missing peers", () => {
  const report = pullMarkdown(RESULTS, "pull.svg");
  const expected = [
    "2026-11-27, `./dev bench pull`, 2 minutes",
    "![Medians as bars](pull.svg)",
    "| pull of one layer | 2.00 s | 4.00 s | 0.50 |  |",
    "| one layer | 1 | 1 MB | 5 MB | 7 |",
    "podman is left out: not found",
    "load 0.1 before, 2.0 after",
  ];
  for (const line of expected) assert(report.includes(line), `${line} in ${report}`);
});

Deno.test("the picture has bars for rows in units of time only", () => {
  const svg = pullPicture(SERIES);
  assert.deepEqual([...svg.matchAll(/class="title"[^>]*>([^<]*)</g)].map(([, title]) => title), ["pull of one layer"]);
  assert(svg.includes("2.00 s") && svg.includes("4.00 s"), svg);
});
