import type { Scenario } from "../scenario.ts";
import { EXEC_EXIT_CODE } from "./today.ts";

const box = (...flags: string[]) =>
  `run -d --network none --name box ${flags.join(" ")}${flags.length ? " " : ""}busybox sleep 1000`;

export const EXEC: readonly Scenario[] = [
  {
    name: "exec: output, exit codes, flags",
    steps: [
      box("-e", "A=1"),
      "exec box echo hello",
      "exec box sh -c 'echo out; echo err >&2; exit 4'",
      "exec -e A=2 -e B=3 box sh -c 'echo $A $B'",
      { line: "exec -e FROM_CLIENT box sh -c 'echo $FROM_CLIENT'", env: { FROM_CLIENT: "yes" } },
      "exec -w /tmp box pwd",
      { line: "exec -w /not/there box pwd", today: [EXEC_EXIT_CODE] },
      "exec -u 1000:1000 box id",
      "exec -u app box id",
      "exec -u nobody2 box id",
      "exec -u 0:nogroup2 box id",
      { line: "exec -w /etc/passwd box id", today: [EXEC_EXIT_CODE] },
      "exec -w rel box id",
      { line: "exec box nope", today: [EXEC_EXIT_CODE] },
      { line: "exec box /no/where", today: [EXEC_EXIT_CODE] },
      "exec box /etc/passwd",
      "exec box /etc",
      { line: "exec box ''", today: [EXEC_EXIT_CODE] },
      "exec -d box sleep 1",
      "exec -d box nope",
      { line: "exec -i box cat", stdin: "fed" },
      { line: "exec box cat", stdin: "not fed" },
      "exec -t box sh -c 'tty; echo done'",
      "exec box sh -c 'kill -9 $$'",
      "exec -e =x box id",
      "exec -e '' box id",
      "exec",
      "exec box",
      "exec -Z box id",
      "exec absent id",
    ],
  },
  {
    name: "exec: of containers that don't run",
    steps: [
      "create --network none --name fresh busybox true",
      "exec fresh id",
      "start -a fresh",
      "exec fresh id",
      box(),
      "pause box",
      "exec box id",
      "unpause box",
      "exec box echo again",
      "inspect --format {{.ExecIDs}} box",
    ],
  },
];
