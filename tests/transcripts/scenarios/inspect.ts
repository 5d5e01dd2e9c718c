import type { Difference, Scenario } from "../scenario.ts";

const NO_KERNEL_MEMORY: Difference = {
  says: /^> .*KernelMemory.*\n/gm,
  now: "",
  why: "gone from the API with 1.42",
};

export const INSPECT: readonly Scenario[] = [
  {
    name: "inspect: a container through templates",
    steps: [
      {
        line:
          "create --network none --name box -l tier=front -l 'owner=me & you' -e A=1 -w /srv -u app --hostname here " +
          "--entrypoint sh -v @{folder}:/x:ro --restart on-failure:3 --memory 64m --cpus 0.5 --stop-signal INT --stop-timeout 5 " +
          "--expose 80 --health-cmd 'true && true' --health-interval 5s busybox -c 'exit 3'",
        keep: "box",
      },
      { line: "inspect box", shape: true, today: [NO_KERNEL_MEMORY] },
      "inspect --format '{{.Id}} {{.Name}} {{.Image}} {{.Platform}} {{.RestartCount}}' box",
      "inspect --format '{{.Path}} {{json .Args}} {{len .Args}}' box",
      "inspect --format '{{json .State}}' box",
      "inspect --format '{{.State.StartedAt}} {{.State.FinishedAt}} {{.State.Pid}} {{.State.OOMKilled}}' box",
      "inspect --format '{{.Config.Hostname}} {{.Config.User}} {{.Config.WorkingDir}} {{.Config.Image}} {{.Config.StopSignal}} {{.Config.StopTimeout}}' box",
      "inspect --format '{{json .Config.Env}} {{json .Config.Cmd}} {{json .Config.Entrypoint}} {{json .Config.Labels}}' box",
      "inspect --format '{{json .Config.ExposedPorts}} {{json .Config.Healthcheck}} {{json .Config.Volumes}}' box",
      "inspect --format '{{.Config.Tty}} {{.Config.OpenStdin}} {{.Config.StdinOnce}} {{.Config.AttachStdin}} {{.Config.AttachStdout}} {{.Config.AttachStderr}}' box",
      "inspect --format '{{json .HostConfig.Binds}} {{json .HostConfig.RestartPolicy}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}}' box",
      "inspect --format '{{.HostConfig.NetworkMode}} {{.HostConfig.IpcMode}} {{.HostConfig.PidMode}}|{{.HostConfig.UTSMode}}|{{.HostConfig.UsernsMode}}|{{.HostConfig.CgroupnsMode}}' box",
      "inspect --format '{{.HostConfig.Privileged}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.AutoRemove}} {{.HostConfig.ShmSize}} {{.HostConfig.Runtime}} {{.HostConfig.Isolation}}|' box",
      "inspect --format '{{json .HostConfig.LogConfig}} {{json .HostConfig.PortBindings}} {{json .HostConfig.CapAdd}} {{json .HostConfig.Devices}}' box",
      {
        line: "inspect --format '{{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}}' box",
        today: [{
          says: /"\/proc\/asound".*?\]/,
          now: '"/proc/acpi","/proc/asound","/proc/interrupts","/proc/kcore","/proc/keys","/proc/latency_stats",' +
            '"/proc/sched_debug","/proc/scsi","/proc/timer_list","/proc/timer_stats","/sys/devices/virtual/powercap",' +
            '"/sys/firmware"]',
          why: "Docker hides more by now",
        }],
      },
      "inspect --format '{{json .HostConfig.Dns}} {{json .HostConfig.Ulimits}} {{json .HostConfig.PidsLimit}} {{json .HostConfig.OomKillDisable}} {{json .HostConfig.ConsoleSize}}' box",
      "inspect --format '{{json .Mounts}}' box",
      "inspect --format '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}} {{.Mode}} {{.Propagation}}{{end}}' box",
      "inspect --format '{{json .NetworkSettings.Ports}} {{.NetworkSettings.IPAddress}}|{{range $name, $net := .NetworkSettings.Networks}}{{$name}}{{end}}' box",
      "inspect --format '{{json .ExecIDs}} {{.ResolvConfPath}}|{{.AppArmorProfile}}|{{.MountLabel}}|{{.ProcessLabel}}' box",
      'inspect --format \'{{index .Config.Labels "owner"}} {{.Config.Labels.tier}} {{index .Config.Labels "nope"}}|\' box',
      "inspect --format '{{if .State.Running}}up{{else}}down{{end}} {{with .State.Health}}{{.Status}} {{.FailingStreak}}{{end}}' box",
      "inspect --format '{{printf \"%-8s|%5d|%q\" .State.Status .State.ExitCode .Name}}' box",
      "inspect --format '{{join .Config.Cmd \",\"}} {{upper .Name}} {{title .State.Status}} {{lower .Config.StopSignal}}' box",
      "inspect --format '{{split .Config.Image \"s\"}} {{pad .Name 1 2}}| {{truncate .Id 4 | len}}' box",
      "inspect --format '{{range $i, $e := .Config.Env}}{{$i}}:{{$e}} {{end}}' box",
      'inspect --format \'{{eq .State.Status "created"}} {{ne .State.ExitCode 0}} {{and .State.Running true}} {{or .Name "x"}} {{not .State.Paused}}\' box',
      "inspect --format '{{println .Name}}{{print .State.ExitCode}}' box",
      "inspect --format '{{.State}}' box",
      "inspect --format '{{.Config.Labels}} {{.Config.Env}} {{.Config.ExposedPorts}}' box",
      "inspect --format '{{.Nope}}' box",
      "inspect --format '{{.Config.Nope.More}}' box",
      "inspect --format '{{.Id' box",
      "inspect --format '{{nope .Id}}' box",
      "inspect --format '{{index .Args 9}}' box",
      "inspect --format '{{lower .Args}}' box",
      "inspect --format '{{.Name}}' box absent",
      "inspect absent box --format '{{.Name}}'",
      { line: "container inspect box", shape: true, today: [NO_KERNEL_MEMORY] },
      "container inspect absent",
      "container inspect busybox",
      { line: "inspect -s box --format '{{.SizeRw}}'" },
      "inspect --format {{.Name}} @{box}",
      "inspect --format {{.Name}} @{box:12}",
      "inspect --format {{.Name}} @{box:5}",
      "inspect --format {{.Name}} /box",
      "start -a box",
      "inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}} {{.State.Restarting}}' box",
      "inspect",
      "inspect --nope box",
      "container inspect",
    ],
  },
  {
    name: "inspect: a container that runs",
    steps: [
      "run -d --network host --name web busybox sleep 1000",
      { line: "inspect web", shape: true, today: [NO_KERNEL_MEMORY] },
      "inspect --format '{{.State.Status}} {{.State.Running}} {{gt .State.Pid 1}} {{.HostConfig.NetworkMode}}' web",
      "inspect --format '{{range $name, $net := .NetworkSettings.Networks}}{{$name}} {{$net.IPAddress}}|{{end}}' web",
      "exec web sh -c 'test $(hostname) = $(cat /proc/sys/kernel/hostname)'",
      {
        line: "inspect --format '{{eq (len .Config.Hostname) 12}}' web",
        hides: { stdout: "the host may have such a name" },
      },
      ...["port web", "port web 80", "port absent"].map((line) => ({ line, notForTsd: "it has no such command yet" })),
      "top web -o comm,args",
      { line: "top web", hides: { stdout: "pids and times; the titles are compared with -o" } },
      "top web nonsense",
      "top web -o comm",
      { line: "stats --no-stream --format '{{.Name}} {{.ID}}' web" },
      { line: "stats --no-stream web", hides: { stdout: "figures of the moment" } },
      "stats --no-stream --format '{{.Nope}}' web",
      "stats --no-stream --no-trunc --format '{{.Container}} {{.ID}}' web",
    ],
  },
];
