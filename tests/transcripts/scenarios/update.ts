import type { Difference, Scenario } from "../scenario.ts";
import { reworded } from "./today.ts";

const HOST = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuShares}}";

const UNKNOWN_POLICY: Difference = reworded(
  "invalid restart policy 'odd'",
  "invalid restart policy: unknown policy 'odd'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
);

const NO_COUNT: Difference = reworded(
  "maximum retry count cannot be used with restart policy 'always'",
  "invalid restart policy: maximum retry count can only be used with 'on-failure'",
);

export const UPDATE: readonly Scenario[] = [
  {
    name: "update: limits and the restart policy",
    steps: [
      "run -d --network none --name box -m 64m busybox sleep 1000",
      `inspect --format '${HOST}' box`,
      "update -m 96m --memory-swap 192m --cpus 0.5 -c 256 box",
      `inspect --format '${HOST}' box`,
      "update --restart on-failure:3 box",
      "inspect --format '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' box",
      "update box",
      "update",
      "update -m 128m box",
      "update -m 5m box",
      "update -m 256m --memory-swap 128m box",
      "update --cpu-quota 5000 box",
      { line: "update --restart odd box", today: [UNKNOWN_POLICY] },
      { line: "update --restart always:3 box", today: [NO_COUNT] },
      { line: "create --network none --restart odd busybox", today: [UNKNOWN_POLICY] },
      { line: "create --network none --restart always:3 busybox", today: [NO_COUNT] },
      "update --cpuset-cpus x box",
      "update -c 5 absent",
      "update -c 5 absent box",
      "update --pids-limit x box",
      "rm -f box",
    ],
  },
  {
    name: "update: of one that doesn't run, and of one that goes by itself",
    steps: [
      "create --network none --name fresh busybox sh -c 'cat /sys/fs/cgroup/cpu/cpu.shares'",
      "update -c 300 fresh",
      "start -a fresh",
      "run -d --rm --network none --name brief busybox sleep 1000",
      "update --restart always brief",
      "rm -f brief fresh",
    ],
  },
  {
    name: "port: nothing is published",
    steps: [
      "run -d --network none --name box --expose 80 busybox sleep 1000",
      "port box",
      "port box 80",
      "port box 80/udp",
      "port box http",
      "port absent",
      "port",
      "inspect --format '{{json .NetworkSettings.Ports}}' box",
      "rm -f box",
    ],
  },
];
