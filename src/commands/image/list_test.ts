import { strict as assert } from "node:assert";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { TsdError } from "../../errors.ts";
import { callTsd } from "../session_testing.ts";

const lines = (...messages: object[]) =>
  new FakeEngine(() => ({ bytes: messages.map((line) => new TextEncoder().encode(JSON.stringify(line) + "\r\n")) }));

Deno.test("pull: prints Docker's lines", async () => {
  const engine = lines(
    { status: "Pulling from library/alpine", id: "latest" },
    { status: "Pulling fs layer", progressDetail: {}, id: "aaaaaaaaaaaa" },
    { status: "Downloading", progressDetail: { current: 5, total: 9 }, progress: "[=>]", id: "aaaaaaaaaaaa" },
    { status: "Pull complete", progressDetail: {}, id: "aaaaaaaaaaaa" },
    { status: "Digest: sha256:00" },
    { status: "Status: Downloaded newer image for alpine:latest" },
  );
  assert.deepEqual(await callTsd(engine, ["pull", "--platform", "linux/arm64", "alpine"]), {
    code: 0,
    out: `Using default tag: latest
latest: Pulling from library/alpine
aaaaaaaaaaaa: Pulling fs layer
aaaaaaaaaaaa: Pull complete
Digest: sha256:00
Status: Downloaded newer image for alpine:latest
docker.io/library/alpine:latest
`,
    err: "",
  });
  assert.deepEqual(engine.requests[0].query, {
    fromImage: "docker.io/library/alpine",
    tag: "latest",
    platform: "linux/arm64",
  });
});

Deno.test("pull -q: prints only the last line", async () => {
  const { out } = await callTsd(lines({ status: "Pulling" }), ["pull", "-q", "localhost:5000/a:1"]);
  assert.equal(out, "localhost:5000/a:1\n");
});

Deno.test("pull: errors in the stream, invalid names and missing arguments are reported", async () => {
  const failed = await callTsd(
    lines({ status: "Pulling" }, { errorDetail: { message: "no room" }, error: "no room" }),
    [
      "pull",
      "a:1",
    ],
  );
  assert.deepEqual(failed, { code: 1, out: "Pulling\n", err: "tsd: no room\n" });
  const engine = lines();
  assert.deepEqual(await callTsd(engine, ["pull", "UPPER"]), {
    code: 1,
    out: "",
    err: "tsd: invalid reference format: repository name (library/UPPER) must be lowercase\n",
  });
  assert.deepEqual(engine.calls, []);
  assert.match((await callTsd(engine, ["pull"])).err, /^tsd: 'tsd pull' requires 1 argument\n/);
});

Deno.test("rmi: prints what was untagged and deleted, and continues after a failure", async () => {
  const engine = new FakeEngine(({ path }) => {
    if (path.includes("nosuch")) throw new TsdError("image_not_found", "No such image: nosuch:latest");
    return { json: [{ Untagged: "a:1" }, { Deleted: "sha256:0" }] };
  });
  assert.deepEqual(await callTsd(engine, ["rmi", "nosuch", "localhost:5000/x/a:1"]), {
    code: 1,
    out: "Untagged: a:1\nDeleted: sha256:0\n",
    err: "tsd: No such image: nosuch:latest\n",
  });
  assert.equal(engine.calls.at(-1), "DELETE /images/localhost:5000/x/a:1");
});

const inspecting = () =>
  new FakeEngine(({ path }) => {
    if (path === "/containers/box/json") return { json: { Id: "1", Args: [] } };
    if (path === "/images/alpine/json") return { json: { Id: "2", Config: {} } };
    throw new TsdError(path.startsWith("/images") ? "image_not_found" : "container_not_found", `No such: ${path}`);
  });

Deno.test("inspect: looks up containers before images, and reports missing objects at the end", async () => {
  assert.deepEqual(await callTsd(inspecting(), ["inspect", "box", "nosuch", "alpine"]), {
    code: 1,
    out: `[
    {
        "Id": "1",
        "Args": []
    },
    {
        "Id": "2",
        "Config": {}
    }
]
`,
    err: "Error: No such object: nosuch\n",
  });
  assert.equal((await callTsd(inspecting(), ["inspect", "nosuch"])).out, "[]\n");
});

Deno.test("inspect: --type and --format json", async () => {
  const typed = await callTsd(inspecting(), ["inspect", "--type", "image", "box"]);
  assert.deepEqual([typed.code, typed.err], [1, "tsd: No such: /images/box/json\n"]);
  assert.equal(
    (await callTsd(inspecting(), ["image", "inspect", "-f", "json", "alpine"])).out,
    '[{"Id":"2","Config":{}}]\n',
  );
  assert.equal((await callTsd(inspecting(), ["container", "inspect", "alpine"])).code, 1);
  const kind = await callTsd(inspecting(), ["inspect", "--type=node", "x"]);
  const kinds = `"container", "image", "network", "volume"`;
  assert.equal(kind.err.split("\n")[0], `unknown type: "node": must be one of ${kinds}`);
});

const CONTAINER = {
  Id: "1",
  Args: ["-c", "x"],
  ExecIDs: null,
  State: { Status: "running", Running: true, Pid: 42, StartedAt: "2025-01-01T00:00:01Z", FinishedAt: "never" },
  HostConfig: { Binds: null, CpuShares: 5, PidsLimit: null, LogConfig: { Type: "json-file" } },
  Config: { Env: ["A=b"], Labels: { a: "b" }, Cmd: null },
  NetworkSettings: { Networks: { none: { IPAddress: "" } } },
  Own: { Fact: 1 },
};

Deno.test("inspect -f: executes the template on Go's types, else on plain JSON", async () => {
  const cases: readonly (readonly [template: string, output: string])[] = [
    ["{{.Id}} {{.Own.Fact}}", "1 1"],
    ["{{.ID}}", "1"],
    ["{{.State}}", "{running true false false false false 42 0  2025-01-01T00:00:01Z never <nil>}"],
    ["{{.State.Health}}", "<nil>"],
    ["{{.HostConfig.Binds}} {{.ExecIDs}} {{.HostConfig.PidsLimit}} {{.HostConfig.CPUShares}}", "[] [] <nil> 5"],
    ["{{json .HostConfig.LogConfig}} {{json .State.Running}}", '{"Type":"json-file","Config":null} true'],
    ['{{.Config.Labels.x}}|{{index .Config.Labels "x"}}|{{index .Config.Labels "a"}}', "<no value>||b"],
    ["{{range .Config.Env}}{{.}}{{end}} {{.Config.Domainname}}|{{json .Config.Cmd}}", "A=b |null"],
    ["{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}", "none"],
    ["table {{.Name}}\\t", "table \\t"],
  ];
  const engine = new FakeEngine(() => ({ json: CONTAINER }));
  for (const [template, output] of cases) {
    assert.deepEqual(await callTsd(engine, ["inspect", "-f", template, "box"]), {
      code: 0,
      out: `${output}\n`,
      err: "",
    });
  }
});

Deno.test("inspect -f: errors have Docker's messages", async () => {
  const engine = new FakeEngine(({ path }) => {
    if (path === "/containers/box/json") return { json: CONTAINER };
    throw new TsdError("container_not_found", "none");
  });
  const why = "template parsing error: template: :1:";
  const cases: readonly (readonly [argv: string[], code: number, out: string, err: string])[] = [
    [["{{.Nope}}", "box"], 1, "\n", `${why}2: executing "" at <.Nope>: map has no entry for key "Nope"\n`],
    [
      ["{{.State.Health.Status}}", "box"],
      ...[1, "\n", `${why}8: executing "" at <.State.Health.Status>: map has no entry for key "Health"\n`] as const,
    ],
    [
      ["{{lower .Args}}", "box"],
      ...[
        1,
        "\n",
        `${why}8: executing "" at <.Args>: wrong type for value; expected string; got []interface {}\n`,
      ] as const,
    ],
    [["{{.Id", "box"], 64, "", `${why} unclosed action\n`],
    [["{{.Id}}", "absent", "box"], 1, "1\n", "Error: No such object: absent\n"],
  ];
  for (const [argv, code, out, err] of cases) {
    assert.deepEqual(await callTsd(engine, ["inspect", "-f", ...argv]), { code, out, err });
  }
});

Deno.test("inspect -f: control characters are replaced on a terminal and kept in a pipe", async () => {
  const engine = new FakeEngine(() => ({ json: { Id: "1", Name: "a\x1b[2Jb" } }));
  const argv = ["inspect", "-f", "{{.Name}}", "box"];
  assert.equal((await callTsd(engine, argv)).out, "a\x1b[2Jb\n");
  const terminal = new FakeTerminal({ ttys: ["stdout"] });
  assert.equal((await callTsd(engine, argv, { terminal })).out, "a\uFFFD[2Jb\n");
});
