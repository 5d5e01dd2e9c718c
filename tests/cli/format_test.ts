/** `--format`, `-q`, `--no-trunc`, `-s` and filters: tsd's output equals the docker CLI's on the same engine. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture, scenario } from "./setup.ts";

/** Runs the same command line with both clients. All output must be equal, except for the prefix of engine errors. */
async function same(fixture: Fixture, ...args: string[]): Promise<string> {
  // Ages in seconds may change between the two runs.
  for (let attempt = 1;; attempt++) {
    const docker = await fixture.docker(...args);
    const tsd = await fixture.tsd(...args);
    if (attempt < 5 && docker.stdout !== tsd.stdout) continue;
    assert.deepEqual([tsd.code, tsd.stdout, tsd.stderr], [docker.code, docker.stdout, docker.stderr], args.join(" "));
    return tsd.stdout;
  }
}

/**
 * Like {@link same}, for requests that the engine may refuse: the prefixes of docker ("Error response from daemon") and
 * tsd differ.
 */
async function sameAsEngine(fixture: Fixture, ...args: string[]): Promise<void> {
  const docker = await fixture.docker(...args);
  const tsd = await fixture.tsd(...args);
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

scenario("formats equal docker's", {
  "ps": async (fixture) => {
    await fixture.background("web", ["sleep", "1000"], [
      "-l",
      "tier=front",
      "-l",
      "owner=me & you",
      "-v",
      "/tmp:/x:ro",
    ]);
    await fixture.background("done", ["true"]);
    await fixture.tsd("wait", "done");
    for (const template of CONTAINER_TEMPLATES) await same(fixture, "ps", "-a", "--format", template);
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
    for (const line of lines) await same(fixture, ...line);
    await fixture.remove("web", "done");
  },
  "sizes": async (fixture) => {
    await fixture.background("big", [
      "sh",
      "-c",
      "head -c 5000000 /dev/zero >/zeros; mv /zeros /ready; exec sleep 1000",
    ]);
    await fixture.until("the file to be there", async () => {
      return (await fixture.tsd("exec", "big", "test", "-e", "/ready")).code === 0;
    });
    assert.match(await same(fixture, "ps", "-s"), /SIZE\n.* 5MB \(virtual \d+(\.\d+)?MB\)\n$/);
    await same(fixture, "ps", "--format", "table {{.Names}}\\t{{.Size}}");
    await same(fixture, "ps", "--format", "{{json .}}");
    await same(fixture, "ps", "--format", "json");
    await same(fixture, "inspect", "-f", "{{.SizeRw}}", "big");
    await same(fixture, "inspect", "-s", "-f", "{{.SizeRw}} {{.SizeRootFs}}", "big");
    await fixture.remove("big");
  },
  "all filters, and invalid ones": async (fixture) => {
    await fixture.background("web", ["sleep", "1000"], ["-l", "tier=front"]);
    await fixture.background("done", ["sh", "-c", "exit 3"]);
    await fixture.tsd("wait", "done");
    const containers = [
      ...["id=0", "name=^web$", "name=e", "label=tier", "label=tier=back", "exited=3", "exited=0", "status=running"],
      ...["ancestor=busybox", `ancestor=${fixture.image}`, "before=done", "since=web", "before=absent", "volume=/x"],
      ...["network=none", "network=bridge", "publish=80", "expose=80/tcp", "health=none", "health=well", "status=well"],
      ...["is-task=false", "nosuch=1", "exited=x"],
    ];
    for (const filter of containers) await sameAsEngine(fixture, "ps", "-a", "--format", "{{.Names}}", "-f", filter);
    const images = [
      ...["dangling=true", "dangling=false", "dangling=maybe", "label=x", "before=busybox", `since=${fixture.image}`],
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
    for (const filter of images) await sameAsEngine(fixture, "images", "--format", "{{.Repository}}", "-f", filter);
    await fixture.remove("web", "done");
  },
  "inspect": async (fixture) => {
    await fixture.background("web", ["sleep", "1000"], ["-l", "tier=front", "-l", "a=b"]);
    for (const template of INSPECT_TEMPLATES) await same(fixture, "inspect", "-f", template, "web");
    await same(fixture, "inspect", "-f", "{{.Name}}", "web", "web");
    await same(fixture, "inspect", "-f", "{{.Name}}", "absent", "web");
    await same(fixture, "inspect", "-f", "json", "absent");
    await same(fixture, "inspect", "web");
    await same(fixture, "container", "inspect", "-f", "{{.Name}}", "web");
    await fixture.remove("web");
  },
  "images": async (fixture) => {
    for (const template of IMAGE_TEMPLATES) await same(fixture, "images", "--format", template);
    const lines = [
      ["images"],
      ["images", "-a"],
      ["images", "--digests"],
      ["images", "--no-trunc"],
      ["images", "-q", "--no-trunc"],
      ["images", "--digests", "--format", "table {{.ID}}"],
      ["images", "-q", "--format", "{{.Repository}}"],
      ["images", "-f", "dangling=true"],
      ["images", "-f", `reference=${fixture.image}`],
      ["images", fixture.image],
      ["images", "nosuch"],
      ["history", fixture.image],
      ["history", "-q", "--no-trunc", fixture.image],
      ["history", "-H=false", fixture.image],
      ["history", "--format", "{{json .}}", fixture.image],
      ["history", "--format", "table {{.ID}}\\t{{.CreatedAt}}\\t{{.CreatedBy}}", fixture.image],
      ["history", "--format", "{{.Nope}}", fixture.image],
      ["image", "inspect", "-f", "{{.Id}} {{.ID}}", fixture.image],
      ["image", "inspect", "-f", "{{.ID}} {{.RepoTags}} {{.Config.Cmd}} {{.Os}}/{{.Architecture}}", fixture.image],
      ["image", "inspect", "-f", "{{.RootFS.Layers}} {{json .Config}}", fixture.image],
    ];
    for (const line of lines) await same(fixture, ...line);
  },
  "system df": async (fixture) => {
    await fixture.background("web", ["sleep", "1000"], ["-l", "tier=front"]);
    await fixture.background("done", ["sh", "-c", "head -c 5000 /dev/zero >/zeros"]);
    await fixture.tsd("wait", "done");
    await fixture.tsd("tag", fixture.image, "second:1");
    const formats = [
      ...["table", "json", "raw", "{{.Nope}}", "{{", "table {{.Type}}\\t{{.Reclaimable}}", "{{json .}}"],
      "{{.Type}}: {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}",
    ];
    await same(fixture, "system", "df");
    for (const format of formats) await same(fixture, "system", "df", "--format", format);
    const details = [
      ...["table", "json", "raw", "{{.Nope}}", "{{", "{{json .}}", "{{len .Images}} {{len .Volumes}} {{.BuildCache}}"],
      "{{range .Images}}{{.Repository}} {{.Tag}} {{.ID}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}\\n{{end}}",
      "{{range .Containers}}{{.Names}} {{.Size}} {{.Label `tier`}};{{end}}",
      "{{range .Containers}}{{.Nope}}{{end}}",
      "table {{range .Containers}}{{.ID}}{{end}}",
    ];
    await same(fixture, "system", "df", "-v");
    for (const format of details) await same(fixture, "system", "df", "-v", "--format", format);
    await fixture.tsd("rmi", "second:1");
    await fixture.remove("web", "done");
  },
  "info, version, events": async (fixture) => {
    for (
      const template of ["{{.Driver}} {{.NCPU}} {{.Swarm.LocalNodeState}}", "{{.Nope}}", "{{", "{{json .Runtimes}}"]
    ) {
      await same(fixture, "info", "-f", template);
    }
    for (
      const template of ["{{.Server.Version}} {{.Server.APIVersion}}", "{{.Nope}}", "{{", "{{.Server.ApiVersion}}"]
    ) {
      await same(fixture, "version", "-f", template);
    }
    const since = (Date.now() / 1000).toFixed(3);
    await fixture.run(["true"]);
    const range = ["--since", since, "--until", (Date.now() / 1000).toFixed(3)];
    const templates = [
      "{{.ID}} {{.Type}} {{.Action}} {{.Actor.Attributes.image}} {{.TimeNano}} {{.Status}}",
      "{{.Nope}}",
    ];
    for (const template of [...templates, "json", "{{json .}}", "{{", "{{.Actor.Attributes}}", "{{.}}"]) {
      assert.notEqual(await same(fixture, "events", ...range, "-f", "event=start", "--format", template), undefined);
    }
  },
  "stats": async (fixture) => {
    await fixture.background("web");
    await same(fixture, "stats", "--no-stream", "--format", "table {{.Name}}\\t{{.Container}}\\t{{.NetIO}}", "web");
    await same(fixture, "stats", "--no-stream", "--format", "{{.Nope}}", "web");
    expectResult(await fixture.tsd("stats", "--no-stream", "--format", "{{.ID}} {{.PIDs}}", "web"), {
      stdout: /^[0-9a-f]{12} 1\n$/,
    });
    await fixture.remove("web");
  },
});
