import { strict as assert } from "node:assert";
import type { ContainerSummary, ImageSummary } from "../../api_types/mod.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";
import { imageRows } from "../image/list.ts";
import { containerRow } from "../container/list.ts";

const nowSeconds = () => Math.floor(Date.now() / 1000);

const container = (more: Partial<ContainerSummary> = {}): ContainerSummary => ({
  Id: "0123456789abcdef".repeat(4),
  Names: ["/web", "/front/alias"],
  Image: "nginx:1.27",
  ImageID: `sha256:${"1".repeat(64)}`,
  Command: "/docker-entrypoint.sh nginx -g 'daemon off;'",
  Created: nowSeconds() - 7300,
  Ports: [],
  Labels: { tier: "front", owner: "me" },
  State: "running",
  Status: "Up 2 hours",
  HostConfig: { NetworkMode: "host" },
  NetworkSettings: { Networks: {} },
  Mounts: [],
  ...more,
});

const image = (more: Partial<ImageSummary> = {}): ImageSummary => ({
  Id: `sha256:${"ab".repeat(32)}`,
  ParentId: "",
  RepoTags: ["debian:12", "localhost:5000/team/debian:latest"],
  RepoDigests: [`debian@sha256:${"cd".repeat(32)}`],
  Created: nowSeconds() - 15 * 86400,
  Size: 117_400_123,
  SharedSize: -1,
  Labels: null,
  Containers: -1,
  ...more,
});

const listing = (rows: unknown) => new FakeEngine(() => ({ json: rows }));

Deno.test("ps: prints a table", async () => {
  const exited = container({
    Id: "f".repeat(64),
    Names: ["/job"],
    Image: "a",
    Command: "true",
    State: "exited",
    Status: "Exited (0) 5 seconds ago",
    Created: nowSeconds() - 6 * 60,
  });
  const { out } = await callTsd(listing([container(), exited]), ["ps", "-a"]);
  assert.equal(
    out,
    `CONTAINER ID   IMAGE        COMMAND                  CREATED         STATUS                     PORTS     NAMES
0123456789ab   nginx:1.27   "/docker-entrypoint.…"   2 hours ago     Up 2 hours                           web
ffffffffffff   a            "true"                   6 minutes ago   Exited (0) 5 seconds ago             job
`,
  );
  assert.equal(
    (await callTsd(listing([]), ["ps"])).out,
    "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n",
  );
});

Deno.test("ps: -q, --no-trunc and --format json", async () => {
  assert.equal((await callTsd(listing([container()]), ["ps", "-q"])).out, "0123456789ab\n");
  assert.equal(
    (await callTsd(listing([container()]), ["ps", "-q", "--no-trunc"])).out,
    "0123456789abcdef".repeat(4) + "\n",
  );
  const { out } = await callTsd(listing([container(), container()]), ["ps", "--format", "json"]);
  assert.equal(out.trim().split("\n").length, 2);
  const row = JSON.parse(out.split("\n")[0]);
  assert.deepEqual([row.ID, row.Names, row.Labels, row.State, row.Command], [
    "0123456789ab",
    "web",
    "owner=me,tier=front",
    "running",
    '"/docker-entrypoint.…"',
  ]);
  assert.match(row.CreatedAt, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/);
});

Deno.test("ps: flags are converted to the request's query", async () => {
  const query = async (...argv: string[]) => {
    const engine = listing([]);
    const { code, err } = await callTsd(engine, ["ps", ...argv]);
    return code === 0 ? engine.requests[0].query : err.split("\n")[0];
  };
  assert.deepEqual(await query("-f", "status=running", "-f", "status=exited", "--filter", "label=a=b"), {
    all: false,
    limit: undefined,
    filters: '{"status":{"running":true,"exited":true},"label":{"a=b":true}}',
  });
  assert.deepEqual(await query("-l"), { all: false, limit: 1, filters: undefined });
  assert.deepEqual(await query("-an", "3"), { all: true, limit: 3, filters: undefined });
  assert.equal(
    await query("-f", "running"),
    'invalid argument "running" for "-f, --filter" flag: bad format of filter (expected name=value)',
  );
  const sized = { all: false, limit: undefined, size: true, filters: undefined };
  for (const argv of [["-s"], ["--format", "{{.Size}}"], ["--format", "{{json .}}"]]) {
    assert.deepEqual(await query(...argv), sized, argv.join(" "));
  }
  assert.deepEqual(await query("--format", "{{.ID}}"), { all: false, limit: undefined, filters: undefined });
});

const twoContainers = () => {
  const job = { Id: "f".repeat(64), Names: ["/job"], Labels: {}, SizeRw: 5, SizeRootFs: 98_765_432 };
  return listing([container(), container(job)]);
};

Deno.test("ps --format: templates", async () => {
  const cases: readonly (readonly [format: string, output: string])[] = [
    ["{{.ID}}:{{.Names}}", "0123456789ab:web\nffffffffffff:job\n"],
    ['{{.Names}}\\t{{.Label "tier"}}', "web\tfront\njob\t\n"],
    [
      'table {{.ID}}\\t{{.Label "com.example.my-tier"}}\\t{{upper .Names}}',
      "CONTAINER ID   my tier   NAMES\n0123456789ab             WEB\nffffffffffff             JOB\n",
    ],
    ["table {{.Names}}\\t{{.Size}}", "NAMES     SIZE\nweb       0B\njob       5B (virtual 98.8MB)\n"],
    ["{{if .Labels}}{{.Labels}}{{else}}-{{end}} {{.Platform}}", "owner=me,tier=front <nil>\n- <nil>\n"],
  ];
  for (const [format, output] of cases) {
    assert.deepEqual(await callTsd(twoContainers(), ["ps", "--format", format]), { code: 0, out: output, err: "" });
  }
  const lines = (await callTsd(twoContainers(), ["ps", "--format", "{{json .}}"])).out.split("\n");
  assert.equal(JSON.parse(lines[1]).Names, "job");
});

Deno.test("ps --format: raw and -s, and -q overrides a template", async () => {
  const { out } = await callTsd(listing([container({ Command: "true", Created: 0 })]), ["ps", "--format", "raw"]);
  assert.equal(
    out,
    'container_id: 0123456789ab\nimage: nginx:1.27\ncommand: "true"\ncreated_at: 1970-01-01 00:00:00 +0000 UTC\n' +
      "state: running\nstatus: Up 2 hours\nnames: web\nlabels: owner=me,tier=front\nports:\n\n",
  );
  assert.deepEqual(await callTsd(twoContainers(), ["ps", "-q", "--format", "{{.Names}}"]), {
    code: 0,
    out: "0123456789ab\nffffffffffff\n",
    err: "WARNING: Ignoring custom format, because both --format and --quiet are set.\n",
  });
  const sized = (await callTsd(twoContainers(), ["ps", "-s"])).out.split("\n");
  assert.match(sized[0], /NAMES {5}SIZE$/);
  assert.match(sized[2], /job {7}5B \(virtual 98\.8MB\)$/);
});

Deno.test("ps --format: errors in templates have Docker's messages", async () => {
  const cases = [
    [
      "{{.Nope}}",
      'failed to execute template: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type ' +
      "*formatter.ContainerContext\n",
    ],
    ["{{.ID", "failed to parse template: template: :1: unclosed action\n"],
    ["{{nope .ID}}", 'failed to parse template: template: :1: function "nope" not defined\n'],
  ];
  for (const [format, err] of cases) {
    assert.deepEqual(await callTsd(twoContainers(), ["ps", "--format", format]), { code: 1, out: "", err });
  }
});

Deno.test("ps: ports, mounts and names are rendered as docker does", () => {
  const row = containerRow(
    container({
      Ports: [
        { PrivatePort: 443, Type: "tcp" },
        { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
        { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      ],
      Mounts: [
        { Type: "bind", Source: "/a/very/long/path/indeed", Destination: "/x", Mode: "", RW: true, Propagation: "" },
        {
          Type: "volume",
          Name: "v",
          Driver: "local",
          Source: "",
          Destination: "/y",
          Mode: "",
          RW: true,
          Propagation: "",
        },
      ],
      Image: `sha256:${"2".repeat(64)}`,
    }),
    Date.now(),
    false,
  );
  assert.equal(row.Ports, "443/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
  assert.equal(row.Mounts, "/a/very/long/p…,v");
  assert.equal(row.LocalVolumes, "1");
  assert.equal(row.Image, "2".repeat(12));
  assert.equal(containerRow(container(), Date.now(), true).Names, "web,front/alias");
});

Deno.test("images: prints a table", async () => {
  const dangling = image({ RepoTags: [], RepoDigests: [], Id: `sha256:${"0".repeat(64)}`, Size: 1_000 });
  assert.equal(
    (await callTsd(listing([image(), dangling]), ["images"])).out,
    `REPOSITORY                   TAG       IMAGE ID       CREATED       SIZE
debian                       12        abababababab   2 weeks ago   117MB
localhost:5000/team/debian   latest    abababababab   2 weeks ago   117MB
<none>                       <none>    000000000000   2 weeks ago   1kB
`,
  );
  assert.equal((await callTsd(listing([image()]), ["image", "ls", "-q", "--no-trunc"])).out.split("\n")[0], image().Id);
});

Deno.test("images: --digests, a repository argument and --format json", async () => {
  const engine = listing([image({ RepoTags: ["debian:12"] })]);
  const { out } = await callTsd(engine, ["images", "--digests", "-f", "dangling=false", "debian"]);
  assert.equal(out.split("\n")[0].replace(/ +/g, " "), "REPOSITORY TAG DIGEST IMAGE ID CREATED SIZE");
  assert.match(out, new RegExp(`debian +12 +sha256:${"cd".repeat(32)} +abababababab `));
  assert.deepEqual(engine.requests[0].query, {
    all: false,
    filters: '{"dangling":{"false":true},"reference":{"debian":true}}',
  });
  const json = JSON.parse((await callTsd(listing([image({ RepoTags: [] })]), ["images", "--format=json"])).out);
  assert.deepEqual([json.Repository, json.Tag, json.Size], ["debian", "<none>", "117MB"]);
});

Deno.test("images: tags, digests and untagged images have rows", () => {
  const names = (more: Partial<ImageSummary>, shown = false) =>
    imageRows(image(more), Date.now(), false, { shown, known: shown })
      .map(({ Repository, Tag, Digest }) => `${Repository}:${Tag} ${Digest}`);
  assert.deepEqual(names({ RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] }), ["<none>:<none> <none>"]);
  const apart = { RepoTags: ["a:1", "a:2"], RepoDigests: ["a@sha256:1", "b@sha256:0", "b@sha256:2"] };
  assert.deepEqual(names(apart), ["a:1 <none>", "a:2 <none>", "b:<none> "]);
  assert.deepEqual(names(apart, true), ["a:1 sha256:1", "a:2 sha256:1", "b:<none> sha256:0", "b:<none> sha256:2"]);
});

Deno.test("images --format: templates, raw and -q", async () => {
  const out = async (...argv: string[]) => (await callTsd(listing([image({ Created: 0 })]), ["images", ...argv])).out;
  assert.equal(
    await out("--format", "{{.Repository}} {{.Tag}} {{.Digest}}"),
    `debian 12 sha256:${"cd".repeat(32)}\nlocalhost:5000/team/debian latest <none>\n`,
  );
  assert.equal((await out("--digests", "--format", "table {{.ID}}")).split("\n")[0], "IMAGE ID       DIGEST");
  assert.equal(await out("-q", "--format", "{{.Tag}}"), "12\nlatest\n");
  assert.equal(await out("-q", "--format", "raw"), "image_id: abababababab\n".repeat(2));
  const created = "created_at: 1970-01-01 00:00:00 +0000 UTC";
  assert.equal(
    (await out("--format", "raw")).split("\n\n")[0],
    `repository: debian\ntag: 12\nimage_id: abababababab\n${created}\nvirtual_size: 117MB`,
  );
  const refused = await callTsd(listing([image()]), ["images", "--format", "{{.Nope}}"]);
  assert.deepEqual([refused.code, refused.err], [
    1,
    'template parsing error: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type ' +
    "*formatter.imageContext\n",
  ]);
});

Deno.test("history: a table, exact numbers, -q and a template", async () => {
  const day = 86_400;
  const newest = {
    ...{ Id: `sha256:${"ab".repeat(32)}`, Created: nowSeconds() - 3 * day, Tags: ["a:1"], Size: 0, Comment: "com" },
    CreatedBy: '/bin/sh -c #(nop)  CMD ["bash"] and a long text that goes on',
  };
  const oldest = {
    Id: "<missing>",
    Created: 86_400,
    CreatedBy: "ADD\tfile",
    Tags: null,
    Size: 117_400_123,
    Comment: "",
  };
  const out = async (...argv: string[]) => (await callTsd(listing([newest, oldest]), ["history", ...argv, "x"])).out;
  const lines = (await out()).split("\n");
  assert.equal(lines[1], `abababababab   3 days ago     /bin/sh -c #(nop)  CMD ["bash"] and a long t…   0B        com`);
  assert.match(lines[2], /^<missing> {6}\d\d years ago {3}ADD file {40}117MB {5}$/);
  assert.match((await out("-H=false")).split("\n")[2], /^<missing> .* 1970-01-02T00:00:00Z .* 117400123 +$/);
  assert.equal(await out("-q"), "abababababab\n<missing>\n");
  assert.equal(await out("--format", "{{.ID}} {{.Comment}}"), "abababababab com\n<missing> \n");
});

Deno.test("ps --format: control characters are replaced in labels and kept in the template", async () => {
  const engine = listing([container({ Labels: { a: "\x1b[2J" } })]);
  const { out } = await callTsd(engine, ["ps", "--format", "\x1b[1m{{.Labels}}"]);
  assert.equal(out, "\x1b[1ma=\uFFFD[2J\n");
});
