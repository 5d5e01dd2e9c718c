import { strict as assert } from "node:assert";
import type { ContainerSummary, ImageSummary } from "../api/wire/mod.ts";
import { FakeEngine } from "../client/fake_engine.ts";
import { callTsd } from "./fake_session.ts";
import { imageRows } from "./images.ts";
import { containerRow } from "./ps.ts";

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

Deno.test("ps: the table", async () => {
  const exited = container({
    Id: "f".repeat(64),
    Names: ["/job"],
    Image: "a",
    Command: "true",
    State: "exited",
    Status: "Exited (0) 5 seconds ago",
    Created: nowSeconds() - 6,
  });
  const { out } = await callTsd(listing([container(), exited]), ["ps", "-a"]);
  assert.equal(
    out,
    `CONTAINER ID   IMAGE        COMMAND                  CREATED         STATUS                     PORTS     NAMES
0123456789ab   nginx:1.27   "/docker-entrypoint.…"   2 hours ago     Up 2 hours                           web
ffffffffffff   a            "true"                   6 seconds ago   Exited (0) 5 seconds ago             job
`,
  );
  assert.equal(
    (await callTsd(listing([]), ["ps"])).out,
    "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n",
  );
});

Deno.test("ps: -q, --no-trunc, json", async () => {
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
    "tier=front,owner=me",
    "running",
    '"/docker-entrypoint.…"',
  ]);
  assert.match(row.CreatedAt, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/);
});

Deno.test("ps: what it asks for", async () => {
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
  assert.equal(
    await query("--format", "{{.ID}}"),
    'Cannot use --format "{{.ID}}": give table or json; Go templates are not supported',
  );
});

Deno.test("ps: ports, mounts and names", () => {
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
  assert.equal(row.Ports, "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp");
  assert.equal(row.Mounts, "/a/very/long/p…,v");
  assert.equal(row.LocalVolumes, "1");
  assert.equal(row.Image, "2".repeat(12));
  assert.equal(containerRow(container(), Date.now(), true).Names, "web,front/alias");
});

Deno.test("images: the table", async () => {
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

Deno.test("images: digests, a repository to look for, json", async () => {
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

Deno.test("images: rows of every kind", () => {
  const names = (more: Partial<ImageSummary>, digests = false) =>
    imageRows(image(more), Date.now(), false, digests).map(({ Repository, Tag }) => `${Repository}:${Tag}`);
  assert.deepEqual(names({ RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] }), ["<none>:<none>"]);
  assert.deepEqual(names({ RepoTags: ["a:1"], RepoDigests: ["b@sha256:0"] }), ["a:1"]);
  assert.deepEqual(names({ RepoTags: ["a:1"], RepoDigests: ["b@sha256:0"] }, true), ["a:1", "b:<none>"]);
});
