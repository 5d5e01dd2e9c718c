import type { Scenario } from "../scenario.ts";
import { CREATE_TASK, removesRunning } from "./today.ts";

export const RUN: readonly Scenario[] = [
  {
    name: "run: output and exit codes",
    steps: [
      "run --rm --network none busybox echo hello",
      "run --rm --network none busybox sh -c 'echo out; echo err >&2; exit 3'",
      "run --rm --network none busybox sh -c 'kill -9 $$'",
      { line: "run --rm --network none busybox nope", today: [CREATE_TASK] },
      { line: "run --rm --network none busybox /no/where", today: [CREATE_TASK] },
      { line: "run --rm --network none busybox /etc/passwd", today: [CREATE_TASK] },
      { line: "run --rm --network none busybox /etc", today: [CREATE_TASK] },
      "run --rm --network none -u nobody2 busybox true",
      "run --rm --network none -u 0:nogroup2 busybox true",
      "run --rm --network none -w rel busybox true",
      "run --nmae x busybox",
      "run",
      "run --rm --network none --cap-add NONSENSE busybox true",
      "run --pull never @{host}/absent:1",
      "run UPPER",
      { line: "run --rm -i --network none busybox cat", stdin: "to and\nfro" },
    ],
  },
  {
    name: "run: names",
    steps: [
      { line: "run -d --network none --name web busybox sleep 1000", keep: "web" },
      "run --network none --name web busybox true",
      "create --network none --name web busybox true",
      "run --network none --name a/b busybox true",
      { line: "rm web", today: [removesRunning("web")] },
      "rm -f web",
      "rm web",
      "rm -f web",
    ],
  },
];
