import type { Scenario, Step } from "../scenario.ts";

const seen = (flags: string, script: string): string => `run --rm --network none ${flags} busybox sh -c '${script}'`;
const refused = (flags: string): string => seen(flags, "true");
const format = (what: string): string => `--format '${what}'`;

/** Since API 1.42, prune keeps named volumes. */
const ANONYMOUS_ONLY: Step["hides"] = {
  stdout: "dockerd 20.10 takes named volumes too; docker CLI 23 and later don't (tests/volumes/prune_test.ts)",
};

export const VOLUMES: readonly Scenario[] = [
  {
    name: "volumes: create, ls, inspect, rm",
    volumes: true,
    steps: [
      "volume create data",
      "volume create data",
      "volume create --label owner=me --label job -d local other",
      "volume create named",
      "volume create data extra",
      "volume ls",
      "volume ls -q",
      // docker prints several labels in random order.
      `volume ls ${format('{{.Name}} {{.Driver}} {{.Scope}} {{.Label "owner"}}')}`,
      ...["name=at", "label=owner", "label=owner=you", "driver=local", "driver=odd", "dangling=true", "dangling=false"]
        .map(
          (filter) => `volume ls -q -f ${filter}`,
        ),
      "volume ls -f nosuch=1",
      "volume ls -f dangling=maybe",
      "volume ls x",
      { line: "volume inspect other", shape: true },
      { line: "volume inspect data", shape: true },
      `volume inspect ${format("{{.Name}} {{.Driver}} {{.Scope}} {{json .Labels}} {{json .Options}}")} other data`,
      "volume inspect nosuch",
      `volume inspect ${format("{{.Name}}")} data nosuch`,
      "volume inspect",
      "volume rm data other nosuch",
      "volume rm nosuch",
      "volume rm -f nosuch",
      "volume rm",
      "volume remove named",
    ],
  },
  {
    name: "volumes: what can't be made",
    volumes: true,
    steps: [
      ...["x", "-x", "a/b", ".hidden", "a:b", "é"].map((name) => `volume create -- ${name}`),
      ...["odd=1", "type=none", "o=bind", "device=/tmp"].map((option) => `volume create -o ${option} data`),
      "volume create -l =x data",
      "volume ls",
    ],
  },
  {
    name: "volumes: options of the driver local",
    volumes: true,
    steps: [
      "volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=7 scratch",
      `volume inspect ${format("{{json .Options}}")} scratch`,
      seen("-v scratch:/d", 'touch /d/f; stat -c %u /d; grep " /d " /proc/mounts | cut -d" " -f3'),
      seen("-v scratch:/d", "ls /d"),
      "volume create -o type=none -o device=@{folder} -o o=bind bound",
      seen("-v bound:/d", "echo text >/d/f"),
      seen("-v bound:/d:ro", "cat /d/f; touch /d/x"),
      "volume rm bound scratch",
      seen("-v @{folder}:/d", "cat /d/f"),
    ],
  },
  {
    name: "volumes: in containers",
    volumes: true,
    steps: [
      seen("-v data:/d", "echo text >/d/f"),
      seen("-v data:/e:ro", "cat /e/f; touch /e/x"),
      seen("--mount src=data,dst=/d,readonly", "cat /d/f; touch /d/x"),
      seen("-v data:/etc/apk", "ls /etc/apk"),
      seen("-v fresh:/bin/applets -v filled:/etc", "ls -d /etc/passwd"),
      seen("-v filled:/x", "ls -d /x/passwd; stat -c %a /x"),
      seen("-v bare:/etc:nocopy", "ls /etc/passwd"),
      seen("--mount src=bare2,dst=/etc,volume-nocopy", "ls /etc/passwd"),
      { line: "run -d --name user --network none -v data:/d -v /anonymous busybox sleep 1000", keep: "user" },
      `inspect ${
        format("{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.Driver}} {{.Mode}} {{.RW}}; {{end}}")
      } user`,
      `ps --filter volume=data ${format("{{.Names}}")}`,
      `ps --filter volume=/anonymous ${format("{{.Names}}")}`,
      `ps --filter volume=other ${format("{{.Names}}")}`,
      "volume rm data",
      "volume rm -f data",
      "volume ls -q -f dangling=false -f name=data",
      "exec user sh -c 'echo more >>/d/f; cat /d/f'",
      seen("--volumes-from user", "cat /d/f; ls -d /anonymous"),
      seen("--volumes-from user:ro", "touch /d/x; touch /anonymous/x"),
      seen("--volumes-from user -v other:/d", "ls /d"),
      refused("--volumes-from nosuch"),
      refused("--volumes-from user:odd"),
      "stop -t 0 user",
      "volume rm data",
      "rm user",
      "volume ls -q -f dangling=true -f name=data",
      "volume rm data fresh filled bare bare2 other",
    ],
  },
  {
    name: "volumes: anonymous ones",
    volumes: true,
    steps: [
      "create --name one --network none -v /a busybox true",
      "create --name two --network none -v /a busybox true",
      "rm one",
      { line: "volume ls -q -f dangling=true", unordered: true },
      "rm -v two",
      { line: "volume ls -q", unordered: true },
      "create --rm --name three --network none -v named:/a -v /b busybox true",
      "start -a three",
      { line: "volume ls -q -f name=named" },
    ],
  },
  {
    name: "volumes: mounts that can't be",
    volumes: true,
    steps: [
      ...["-v data:rel", "-v :/x", "-v data:/x:odd", "-v data:/x:ro,rw"]
        .map(
          refused,
        ),
      ...["-v a/b:/d", "-v data:/d -v other:/d", "-v /d -v data:/d"].map(refused),
      ...["--mount src=data", "--mount dst=/d,readonly", "--mount type=volume,src=x,dst=/d"].map(refused),
      ...["--mount type=bind,src=/tmp,dst=/d,volume-nocopy", "--mount src=data,dst=/d,bind-propagation=shared"].map(
        refused,
      ),
      ...["--mount src=data,dst=/d,readonly=maybe", "--mount src=data,dst=/d,odd=1"]
        .map(
          refused,
        ),
    ],
  },
  {
    name: "volumes: prune and events",
    volumes: true,
    steps: [
      { line: "volume create --label keep kept", keep: "kept" },
      "run -d --name user --network none -v used:/d busybox sleep 1000",
      "create --name gone --network none -v /a busybox true",
      "rm gone",
      "volume prune -f --filter label=none",
      "volume prune -f --filter nosuch=1",
      "volume prune x",
      "volume create told",
      "volume rm told",
      `events --since @{begin} --until @{now} --filter type=volume --filter volume=told ${
        format("{{.Action}} {{.Actor.ID}}")
      }`,
      `events --since @{begin} --until @{now} --filter type=volume --filter volume=used ${
        format("{{.Action}} {{.Actor.Attributes.destination}} {{.Actor.Attributes.propagation}}")
      }`,
      "rm -f user",
      { line: "volume prune -f", hides: ANONYMOUS_ONLY },
    ],
  },
];
