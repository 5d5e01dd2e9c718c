import { strict as assert } from "node:assert";
import type { DiskUsage } from "../../api_types/mod.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

const image = (Id: string, Size: number, SharedSize: number, Containers: number) => ({
  ...{ Id: `sha256:${Id.repeat(64)}`, ParentId: "", RepoTags: [`${Id}:1`], RepoDigests: [], Created: 1, Labels: null },
  ...{ Size, SharedSize, Containers },
});
const container = (Id: string, State: string, SizeRw?: number) => ({
  ...{
    Id: Id.repeat(64),
    Names: [`/${Id}`],
    Image: "a:1",
    ImageID: "",
    Command: "sh",
    Created: 1,
    State,
    Status: State,
  },
  ...{ Ports: [], Labels: {}, Mounts: [], HostConfig: { NetworkMode: "none" }, NetworkSettings: { Networks: {} } },
  ...(SizeRw !== undefined && { SizeRw, SizeRootFs: SizeRw + 1000 }),
});

/** The response of another engine, with volumes and a build cache. */
const USAGE = {
  LayersSize: 1300,
  Images: [image("a", 1100, 1000, 2), image("b", 1200, 1000, 0)],
  Containers: [container("c", "running", 300), container("d", "exited", 700), container("e", "created")],
  Volumes: [
    {
      ...{ Name: "data", Driver: "local", Mountpoint: "/data", Labels: { x: "y" }, Scope: "local", Options: null },
      UsageData: { Size: 50, RefCount: 1 },
    },
    {
      ...{ Name: "old", Driver: "local", Mountpoint: "/old", Labels: null, Scope: "local", Options: null },
      UsageData: { Size: 150, RefCount: 0 },
    },
  ],
  BuildCache: [
    cacheRecord("one", 10, { InUse: true, LastUsedAt: "2024-01-02T00:00:00Z" }),
    cacheRecord("two", 90, {}),
    cacheRecord("three", 1000, { Shared: true, LastUsedAt: "2024-01-01T00:00:00Z" }),
  ],
} as unknown as DiskUsage;

function cacheRecord(ID: string, Size: number, more: object) {
  const fixed = { Type: "regular", Description: "", InUse: false, Shared: false, CreatedAt: "2024-01-01T00:00:00Z" };
  return { ...fixed, ID, Size, LastUsedAt: null, UsageCount: 1, ...more };
}

const df = async (...args: string[]) =>
  (await callTsd(new FakeEngine(() => ({ json: USAGE })), ["system", "df", ...args])).out;

Deno.test("df: prints a row for each kind", async () => {
  assert.equal(
    await df(),
    `TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE
Images          2         1         1.3kB     1.2kB (92%)
Containers      3         1         1kB       700B (70%)
Local Volumes   2         1         200B      150B (75%)
Build Cache     3         1         100B      90B
`,
  );
  assert.equal((await df("--format", "{{.Type}}={{.Active}}")).split("\n")[0], "Images=1");
  assert.deepEqual(JSON.parse((await df("--format", "json")).split("\n")[3]), {
    ...{ Active: "1", Reclaimable: "90B", Size: "100B", TotalCount: "3", Type: "Build Cache" },
  });
});

Deno.test("df -v: lists all objects, also another engine's volumes and build cache", async () => {
  const text = (await df("-v")).replace(/\d+ (years|months) ago/g, "long ago");
  assert.match(text, /\na +1 +a{12} +long ago +1\.1kB +1kB +100B +2\n/);
  assert.match(text, /\nc{12} +a:1 +"sh" +0 +300B +long ago +running +c\n/);
  assert.match(text, /\nVOLUME NAME +LINKS +SIZE\ndata +1 +50B\nold +0 +150B\n/);
  const cache = text.slice(text.indexOf("Build cache usage: 100B\n\n")).split("\n").slice(3).map((line) =>
    line.split(/ +/)[0]
  );
  assert.deepEqual(cache, ["two", "three", "one*", ""], "what was used longest ago comes first");
  assert.equal(await df("-v", "--format", "{{range .Volumes}}{{.Name}}:{{.Labels}};{{end}}"), "data:x=y;old:;");
  const json = JSON.parse(await df("-v", "--format", "json"));
  assert.deepEqual(Object.keys(json), ["Images", "Containers", "Volumes", "BuildCache"]);
  assert.deepEqual([json.BuildCache.length, json.Containers[0].Size], [3, "300B"]);
});
