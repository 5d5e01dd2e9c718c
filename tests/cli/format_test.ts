/** What `--format`, `-q`, `--no-trunc`, `-s` and filters show: tsd's output is that of the docker CLI on the same engine. */
import { strict as assert } from "node:assert";
import { expectResult, scenario, type World } from "./setup.ts";

/** Runs the same command line with both clients; all of it must be equal, but for the word in front of engine errors. */
async function same(world: World, ...args: string[]): Promise<string> {
  // What tells an age in seconds may change between the two.
  for (let attempt = 1;; attempt++) {
    const docker = await world.docker(...args);
    const tsd = await world.tsd(...args);
    if (attempt < 5 && docker.stdout !== tsd.stdout) continue;
    assert.deepEqual([tsd.code, tsd.stdout, tsd.stderr], [docker.code, docker.stdout, docker.stderr], args.join(" "));
    return tsd.stdout;
  }
}

/** The same where the engine may refuse: docker says that it was the engine, tsd says that it is tsd. */
async function sameAsEngine(world: World, ...args: string[]): Promise<void> {
  const docker = await world.docker(...args);
  const tsd = await world.tsd(...args);
  const why = (stderr: string) => stderr.replace(/^(Error response from daemon|tsd): /, "");
  assert.deepEqual(
    [tsd.code, tsd.stdout, why(tsd.stderr)],
    [docker.code, docker.stdout, why(docker.stderr)],
    args.join(" "),
  );
}

const CONTAINER_TEMPLATES = [
  "{{.ID}} {{.Names}} {{.Image}} {{.Command}} {{.State}} {{.Labels}} {{.Networks}} {{.Mounts}} {{.LocalVolumes}}",
  'table {{.Names}}\\t{{.Label "tier"}}\\t{{upper .State}}\\t{{.Ports}}',
  "{{json .Names}} {{.Platform}} {{.CreatedAt}}",
  "{{if eq .State `running`}}up{{else}}down{{end}} {{printf `%-8s|` .Names}} {{truncate .ID 4}} {{pad .Names 1 2}}|",
  "raw",
  "{{.Nope}}",
  "{{.ID",
  "{{.ID.X}}",
  "{{.Label}}",
  "table {{.Nope}}",
  "",
  "table",
];

const INSPECT_TEMPLATES = [
  "{{.Id}} {{.Name}} {{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.RestartCount}}",
  "{{.ID}} {{.Config.Image}} {{.HostConfig.NetworkMode}} {{.Created}}",
  "{{.State}}",
  "{{json .State}}",
  "{{json .Config}}",
  "{{json .Mounts}} {{json .NetworkSettings}}",
  "{{json .HostConfig}}",
  "{{.Config.Env}} {{.Config.Cmd}} {{.Path}} {{.Args}} {{len .Args}} {{index .Args 0}} {{join .Args `,`}}",
  "{{.Config.Labels}} {{index .Config.Labels `tier`}}|{{.Config.Labels.nope}}|{{index .Config.Labels `nope`}}",
  "{{range $key, $value := .Config.Labels}}{{$key}}={{$value}};{{end}}",
  "{{.HostConfig.Binds}} {{.ExecIDs}} {{.HostConfig.PidsLimit}} {{.HostConfig.Memory}} {{.Config.Domainname}}|",
  "{{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig}} {{.HostConfig.PortBindings}} {{.NetworkSettings.Ports}}",
  "{{.State.Health}} {{with .State.Health}}yes{{else}}no{{end}}",
  "{{.State.Health.Status}}",
  "{{.Nope}}",
  "{{.Config.Nope.More}}",
  "{{lower .Args}}",
  "{{index .Args 9}}",
  "{{.Id",
  "{{nope}}",
  "table {{.Name}}\\t",
];

const IMAGE_TEMPLATES = [
  "{{.ID}} {{.Repository}} {{.Tag}} {{.Digest}} {{.Size}} {{.CreatedAt}} {{.VirtualSize}} {{.UniqueSize}}",
  "table {{.Repository}}\\t{{.Tag}}\\t{{.ID}}",
  "json",
  "raw",
  "{{.Nope}}",
];

scenario("format: as docker's", {
  "ps": async (world) => {
    await world.background("web", ["sleep", "1000"], ["-l", "tier=front", "-l", "owner=me & you", "-v", "/tmp:/x:ro"]);
    await world.background("done", ["true"]);
    await world.tsd("wait", "done");
    for (const template of CONTAINER_TEMPLATES) await same(world, "ps", "-a", "--format", template);
    const lines = [
      ["ps"],
      ["ps", "-a"],
      ["ps", "-a", "--no-trunc"],
      ["ps", "-aq"],
      ["ps", "-l"],
      ["ps", "-n", "1", "-q", "--no-trunc"],
      ["ps", "-q", "--format", "{{.Names}}"],
      ["ps", "-f", "name=web"],
      ["ps", "-a", "-f", "status=exited"],
      ["ps", "-a", "-f", "label=tier=front", "-f", "name=done"],
      ["ps", "-a", "-f", "label=owner", "--format", "{{.Names}}"],
    ];
    for (const line of lines) await same(world, ...line);
    await world.remove("web", "done");
  },
  "sizes": async (world) => {
    await world.background("big", ["sh", "-c", "head -c 5000000 /dev/zero >/zeros; mv /zeros /ready; exec sleep 1000"]);
    await world.until("the file to be there", async () => {
      return (await world.tsd("exec", "big", "test", "-e", "/ready")).code === 0;
    });
    assert.match(await same(world, "ps", "-s"), /SIZE\n.* 5MB \(virtual \d+(\.\d+)?MB\)\n$/);
    await same(world, "ps", "--format", "table {{.Names}}\\t{{.Size}}");
    await same(world, "ps", "--format", "{{json .}}");
    await same(world, "ps", "--format", "json");
    await same(world, "inspect", "-f", "{{.SizeRw}}", "big");
    await same(world, "inspect", "-s", "-f", "{{.SizeRw}} {{.SizeRootFs}}", "big");
    await world.remove("big");
  },
  "filters: all of them, and wrong ones": async (world) => {
    await world.background("web", ["sleep", "1000"], ["-l", "tier=front"]);
    await world.background("done", ["sh", "-c", "exit 3"]);
    await world.tsd("wait", "done");
    const containers = [
      ...["id=0", "name=^web$", "name=e", "label=tier", "label=tier=back", "exited=3", "exited=0", "status=running"],
      ...["ancestor=busybox", `ancestor=${world.image}`, "before=done", "since=web", "before=absent", "volume=/x"],
      ...["network=none", "network=bridge", "publish=80", "expose=80/tcp", "health=none", "health=well", "status=well"],
      ...["is-task=false", "nosuch=1", "exited=x"],
    ];
    for (const filter of containers) await sameAsEngine(world, "ps", "-a", "--format", "{{.Names}}", "-f", filter);
    const images = [
      ...["dangling=true", "dangling=false", "dangling=maybe", "label=x", "before=busybox", `since=${world.image}`],
      ...[
        "reference=busy*",
        "reference=*/busybox",
        "reference=*/busybox:lat*",
        "until=1h",
        "until=2000-01-01",
        "nosuch=1",
      ],
      ...["until=later"],
    ];
    for (const filter of images) await sameAsEngine(world, "images", "--format", "{{.Repository}}", "-f", filter);
    await world.remove("web", "done");
  },
  "inspect": async (world) => {
    await world.background("web", ["sleep", "1000"], ["-l", "tier=front", "-l", "a=b"]);
    for (const template of INSPECT_TEMPLATES) await same(world, "inspect", "-f", template, "web");
    await same(world, "inspect", "-f", "{{.Name}}", "web", "web");
    await same(world, "inspect", "-f", "{{.Name}}", "absent", "web");
    await same(world, "inspect", "-f", "json", "absent");
    await same(world, "inspect", "web");
    await same(world, "container", "inspect", "-f", "{{.Name}}", "web");
    await world.remove("web");
  },
  "images": async (world) => {
    for (const template of IMAGE_TEMPLATES) await same(world, "images", "--format", template);
    const lines = [
      ["images"],
      ["images", "-a"],
      ["images", "--digests"],
      ["images", "--no-trunc"],
      ["images", "-q", "--no-trunc"],
      ["images", "--digests", "--format", "table {{.ID}}"],
      ["images", "-q", "--format", "{{.Repository}}"],
      ["images", "-f", "dangling=true"],
      ["images", "-f", `reference=${world.image}`],
      ["images", world.image],
      ["images", "nosuch"],
      ["history", world.image],
      ["history", "-q", "--no-trunc", world.image],
      ["history", "-H=false", world.image],
      ["history", "--format", "{{json .}}", world.image],
      ["history", "--format", "table {{.ID}}\\t{{.CreatedAt}}\\t{{.CreatedBy}}", world.image],
      ["history", "--format", "{{.Nope}}", world.image],
      ["image", "inspect", "-f", "{{.Id}} {{.ID}}", world.image],
      ["image", "inspect", "-f", "{{.ID}} {{.RepoTags}} {{.Config.Cmd}} {{.Os}}/{{.Architecture}}", world.image],
      ["image", "inspect", "-f", "{{.RootFS.Layers}} {{json .Config}}", world.image],
    ];
    for (const line of lines) await same(world, ...line);
  },
  "system df": async (world) => {
    await world.background("web", ["sleep", "1000"], ["-l", "tier=front"]);
    await world.background("done", ["sh", "-c", "head -c 5000 /dev/zero >/zeros"]);
    await world.tsd("wait", "done");
    await world.tsd("tag", world.image, "second:1");
    const formats = [
      ...["table", "json", "raw", "{{.Nope}}", "{{", "table {{.Type}}\\t{{.Reclaimable}}", "{{json .}}"],
      "{{.Type}}: {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}",
    ];
    await same(world, "system", "df");
    for (const format of formats) await same(world, "system", "df", "--format", format);
    const details = [
      ...["table", "json", "raw", "{{.Nope}}", "{{", "{{json .}}", "{{len .Images}} {{len .Volumes}} {{.BuildCache}}"],
      "{{range .Images}}{{.Repository}} {{.Tag}} {{.ID}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}\\n{{end}}",
      "{{range .Containers}}{{.Names}} {{.Size}} {{.Label `tier`}};{{end}}",
      "{{range .Containers}}{{.Nope}}{{end}}",
      "table {{range .Containers}}{{.ID}}{{end}}",
    ];
    await same(world, "system", "df", "-v");
    for (const format of details) await same(world, "system", "df", "-v", "--format", format);
    await world.tsd("rmi", "second:1");
    await world.remove("web", "done");
  },
  "info, version, events": async (world) => {
    for (
      const template of ["{{.Driver}} {{.NCPU}} {{.Swarm.LocalNodeState}}", "{{.Nope}}", "{{", "{{json .Runtimes}}"]
    ) {
      await same(world, "info", "-f", template);
    }
    for (
      const template of ["{{.Server.Version}} {{.Server.APIVersion}}", "{{.Nope}}", "{{", "{{.Server.ApiVersion}}"]
    ) {
      await same(world, "version", "-f", template);
    }
    const since = (Date.now() / 1000).toFixed(3);
    await world.run(["true"]);
    const range = ["--since", since, "--until", (Date.now() / 1000).toFixed(3)];
    const templates = [
      "{{.ID}} {{.Type}} {{.Action}} {{.Actor.Attributes.image}} {{.TimeNano}} {{.Status}}",
      "{{.Nope}}",
    ];
    for (const template of [...templates, "json", "{{json .}}", "{{", "{{.Actor.Attributes}}", "{{.}}"]) {
      assert.notEqual(await same(world, "events", ...range, "-f", "event=start", "--format", template), undefined);
    }
  },
  "stats": async (world) => {
    await world.background("web");
    await same(world, "stats", "--no-stream", "--format", "table {{.Name}}\\t{{.Container}}\\t{{.NetIO}}", "web");
    await same(world, "stats", "--no-stream", "--format", "{{.Nope}}", "web");
    expectResult(await world.tsd("stats", "--no-stream", "--format", "{{.ID}} {{.PIDs}}", "web"), {
      stdout: /^[0-9a-f]{12} 1\n$/,
    });
    await world.remove("web");
  },
});
