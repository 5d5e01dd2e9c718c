import type { Scenario } from "../scenario.ts";

/** Why the prompt differs. */
const PLAN = "tsd shows what goes before it asks (tests/cli/prune_test.ts)";

const ended = (name: string, ...flags: string[]) =>
  `run --network none --name ${name} ${[...flags, "busybox"].join(" ")} true`;

export const PRUNE: readonly Scenario[] = [
  {
    name: "container prune",
    steps: [
      ended("one", "-l", "job=a"),
      ended("two", "-l", "job=b", "-l", "keep"),
      "run -d --network none --name up busybox sleep 1000",
      { line: "container prune", stdin: "", notForTsd: PLAN },
      { line: "container prune", stdin: "n\n", notForTsd: PLAN },
      "container prune -f --filter label=none",
      "container prune -f --filter label!=job",
      "container prune -f --filter until=1h",
      "container prune -f --filter until=2000-01-01",
      "container prune -f --filter nosuch=1",
      "container prune -f --filter until=later",
      "container prune -f --filter nosuch",
      "container prune -f --filter label!=keep",
      "container prune -f",
      "ps -a --format {{.Names}}",
      "container prune x",
    ],
  },
  {
    name: "image prune",
    images: true,
    steps: [
      "pull -q tiny:1",
      "tag busybox tiny:1",
      "image prune -f --filter label=tier=back",
      "image prune -f --filter until=2001-01-01",
      "image prune -f",
      "rmi tiny:1",
      "pull -q tiny:2",
      "image prune -f",
      "run -d --network none --name up busybox sleep 1000",
      "image prune -af --filter label!=tier",
      "image prune -af",
      "image prune -f --filter nosuch=1",
      { line: "image prune -a", stdin: "n\n", notForTsd: PLAN },
      "images --format {{.Repository}}:{{.Tag}}",
    ],
  },
  {
    name: "system prune and df",
    images: true,
    steps: [
      "pull -q tiny:1",
      "run -d --network none --name up busybox sleep 1000",
      "run --network none --name wrote busybox sh -c 'head -c 12345 /dev/zero >/zeros'",
      "system df",
      "system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'",
      { line: "system df -v", unordered: true },
      { line: "system prune", stdin: "", notForTsd: PLAN },
      "system prune --volumes -f --filter until=1h",
      "system prune -f --filter label=none --filter label!=some --filter until=1h",
      "system prune -f",
      "system prune -af",
      "system df",
      "network prune -f",
      "volume prune -f",
    ],
  },
];
