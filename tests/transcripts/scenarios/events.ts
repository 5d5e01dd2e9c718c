import type { Scenario } from "../scenario.ts";

const SHORT = "--format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'";

export const EVENTS: readonly Scenario[] = [
  {
    name: "events: a container's life",
    steps: [
      { line: "create --network none --name box -l tier=front busybox sleep 1000", keep: "box" },
      "start box",
      "exec box true",
      "exec -d box true",
      "pause box",
      "unpause box",
      "rename box other",
      "kill -s HUP other",
      "kill other",
      "wait other",
      "restart -t 0 other",
      "stop -t 0 other",
      "rm other",
      `events --since @{begin} --until @{now} --filter type=container --filter container=@{box} ${SHORT}`,
      `events --since @{begin} --until @{now} --filter container=@{box} --filter event=die ${SHORT}`,
      `events --since @{begin} --until @{now} --filter container=@{box} --filter event=create --filter event=destroy ${SHORT}`,
      `events --since @{begin} --until @{now} --filter label=tier=front --filter event=start ${SHORT}`,
      `events --since @{begin} --until @{now} --filter label=nope ${SHORT}`,
      `events --since @{begin} --until @{now} --filter image=busybox --filter event=create --filter type=container ${SHORT}`,
      `events --since @{begin} --until @{now} --filter type=nope ${SHORT}`,
      {
        line: `events --since @{begin} --until @{now} --filter nope=1 ${SHORT}`,
        managed: [{
          says: /\n(?:> .*\n)+= 0/,
          now: "\n! Error response from daemon: invalid filter 'nope'\n= 1",
          why: "a filter that isn't known is refused, as it is by all other commands; Docker doesn't look at it",
        }],
      },
      `events --since @{begin} --until @{now} --filter container=@{box} --filter event=create`,
      `events --since @{begin} --until @{now} --filter container=@{box} --filter event=die`,
      "events --since @{begin} --until @{now} --filter container=@{box} --filter event=start --format json",
      `events --since @{begin} --until @{begin} ${SHORT}`,
      `events --since 2001-02-03T04:05:06Z --until 2001-02-04 ${SHORT}`,
      "events --since whenever --until 1h",
      "events --since 1h --until whenever",
      "events --since @{now} --until @{begin}",
      "events --filter nope",
      "events x",
      "events --nope",
      "events --since @{begin} --until @{now} --format '{{.Nope}}' --filter container=@{box}",
    ],
  },
  {
    name: "events: of run --rm, and of images",
    images: true,
    steps: [
      "run --rm --network none --name brief busybox sh -c 'exit 4'",
      `events --since @{begin} --until @{now} --filter container=brief --filter type=container ${SHORT}`,
      "pull -q tiny:1",
      "rmi tiny:1",
      "events --since @{begin} --until @{now} --filter type=image --filter event=pull --filter event=untag --filter event=delete --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}'",
      "events --since @{begin} --until @{now} --filter image=tiny:1 --format '{{.Action}}'",
    ],
  },
];
