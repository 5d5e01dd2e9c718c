import type { Difference, Scenario, Step } from "../scenario.ts";

const format = (what: string): string => `--format '${what}'`;
const refused = (flags: string): string => `run --rm ${flags} busybox true`;

const NO_STATUS: Difference = {
  says: "! exit status 1\n",
  now: "",
  why: "docker CLI 28 says its own exit code, which nobody has asked for",
};
const removed = (names: string): Step => ({ line: `network rm ${names}`, tsd: [NO_STATUS] });

const pruned = (flags: string): Step => ({ line: `network prune -f ${flags}` });

export const NETWORKS: readonly Scenario[] = [
  {
    name: "networks: create, ls, inspect, rm",
    networks: true,
    steps: [
      { line: "network create one", keep: "one" },
      "network create --label tier=back --internal -d bridge two",
      "network create one",
      `network ls -f type=custom ${format("{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}}")}`,
      ...["name=on", "id=@{one:12}", "driver=bridge", "label=tier", "label=tier=front", "scope=local"].map((filter) =>
        `network ls -f type=custom -f ${filter} ${format("{{.Name}}")}`
      ),
      "network ls -q --no-trunc -f name=one",
      "network ls -f nosuch=1",
      "network ls -f type=odd",
      `network inspect ${
        format("{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.Attachable}} {{.Ingress}}")
      } one two`,
      `network inspect ${format("{{json .Labels}} {{json .Options}} {{json .Containers}}")} one two`,
      { line: "network inspect one", shape: true },
      "network inspect nosuch",
      `network inspect ${format("{{.Name}}")} @{one:12} nosuch`,
      "network inspect",
      removed("one nosuch two"),
      removed("nosuch"),
      "network rm",
      "network ls -q -f type=custom",
    ],
  },
  {
    name: "networks: what can't be",
    networks: true,
    steps: [
      ...["bridge", "host", "none", "default"].map((name) => `network create ${name}`),
      ...["-d host x1"].map((rest) => `network create ${rest}`),
      "network create x1 y1",
      "network create",
      ...["host", "none"].map(removed),
      "network connect",
      refused("--network container:x -p 80:80"),
      refused("--network container:x -h name"),
      refused("--network container:x --dns 10.0.0.1"),
      refused("--network none -p odd:80"),
      refused("-p 70000:80"),
      refused("-p 80-81:80-82"),
      refused("-p 80:80/odd"),
      "network ls -q -f type=custom",
    ],
  },
  {
    name: "networks: containers in them",
    networks: true,
    steps: [
      "network create one",
      "network create two",
      "create --name box --network one --network-alias db busybox sleep 1000",
      `inspect ${
        format("{{.HostConfig.NetworkMode}} {{range $name, $each := .NetworkSettings.Networks}}{{$name}} {{end}}")
      } box`,
      "network connect two box",
      `inspect ${format("{{range $name, $each := .NetworkSettings.Networks}}{{$name}} {{end}}")} box`,
      "network disconnect two box",
      "network connect two nosuch",
      "start box",
      `ps --filter network=one ${format("{{.Names}} {{.Networks}}")}`,
      `ps --filter network=two ${format("{{.Names}}")}`,
      {
        line: "network rm one",
        hides: { stderr: "Docker 28 names the container and its endpoint, 20.10 only the network" },
      },
      "exec box sh -c 'ls /sys/class/net'",
      "network connect two box",
      // docker lists them in any order.
      `ps ${format("{{len .Networks}}")}`,
      "network disconnect two box",
      "stop -t 0 box",
      "network rm two",
      "rm box",
      "network rm one",
    ],
  },
  {
    name: "networks: prune and events",
    networks: true,
    steps: [
      "network create --label keep one",
      "network create two",
      "run -d --name box --network two busybox sleep 1000",
      pruned("--filter label!=keep"),
      pruned("--filter label=none"),
      "network prune -f --filter nosuch=1",
      "network create three",
      pruned("--filter until=1h"),
      pruned("--filter label=keep"),
      "rm -f box",
      "network rm two three",
      `events --since @{begin} --until @{now} --filter type=network --filter network=three ${
        format("{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}")
      }`,
      "network ls -q -f type=custom",
    ],
  },
];
