import { strict as assert } from "node:assert";
import type { PruneItem, PrunePlan, PruneReport } from "../../api_types/mod.ts";
import { FakeTerminal } from "../../cli/terminal_testing.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

const item = (Kind: PruneItem["Kind"], ID: string, Names: string[], Bytes = 0): PruneItem => ({
  ...{ Kind, ID, Names, Bytes, Labels: {}, Why: "unused" },
});
const IMAGE = `sha256:${"a".repeat(64)}`;
const ITEMS = [item("container", "c".repeat(64), ["web"], 5000), item("image", IMAGE, ["b@sha256:1"], 1_200_000)];
const PLAN: PrunePlan = { Items: ITEMS, Kept: [], SpaceReclaimable: 1_205_000 };
const REPORT: PruneReport = {
  Removed: ITEMS,
  ImagesDeleted: [{ Untagged: "b@sha256:1" }, { Deleted: IMAGE }],
  Kept: [],
  SpaceReclaimed: 1_205_000,
};
const QUESTION = "Are you sure you want to continue? [y/N] ";
const TABLE = `KIND        ID             NAME       SIZE      WHY
container   cccccccccccc   web        5kB       unused
image       aaaaaaaaaaaa   b:<none>   1.2MB     unused

1 container, 1 image: 1.205MB in all.
`;
const DONE = `Deleted Containers:
${"c".repeat(64)}

Deleted Images:
untagged: b@sha256:1
deleted: ${IMAGE}

Total reclaimed space: 1.205MB
`;

const engineWith = (plan = PLAN, report = REPORT) =>
  new FakeEngine(({ method }) => ({ json: method === "GET" ? plan : report }));

async function answered(stdin: string, argv = ["prune"], engine = engineWith()) {
  return { ...await callTsd(engine, argv, { terminal: new FakeTerminal({ stdin }) }), calls: engine.calls };
}

Deno.test("prune: shows the plan, asks, and removes what was shown", async () => {
  const { code, out, calls } = await answered(" Y \n");
  assert.deepEqual([code, out], [0, `${TABLE}${QUESTION}${DONE}`]);
  assert.deepEqual(calls, ["GET /tsd/prune", "POST /tsd/prune"]);
  const engine = engineWith();
  await callTsd(engine, ["prune", "-af", "--volumes", "--filter", "label=a", "--filter", "label!=b"]);
  const kind = ["container", "network", "volume", "image", "download", "build-cache"];
  assert.deepEqual(engine.requests.map(({ query }) => query), [
    { kind, all: true, filters: '{"label":{"a":true},"label!":{"b":true}}' },
    { kind },
  ]);
  assert.deepEqual(engine.requests[1].body, { Items: ITEMS });
});

Deno.test("prune: any answer but y, and the end of input, cancel", async () => {
  for (const [stdin, newline] of [["", "\n"], ["n\n", ""], ["yes\n", ""], ["\n", ""]]) {
    const { code, out, calls } = await answered(stdin);
    assert.deepEqual([code, out], [0, `${TABLE}${QUESTION}${newline}Nothing was removed.\n`]);
    assert.deepEqual(calls, ["GET /tsd/prune"]);
  }
});

Deno.test("prune: doesn't ask if there is nothing to remove, or in a dry run", async () => {
  const nothing = engineWith({ Items: [], Kept: [], SpaceReclaimable: 0 });
  assert.equal((await answered("y\n", ["prune"], nothing)).out, "Nothing to remove.\n");
  const dry = await answered("y\n", ["container", "prune", "--dry-run", "-f"]);
  assert.deepEqual([dry.out, dry.calls], [TABLE, ["GET /tsd/prune"]]);
});

Deno.test("prune: objects that plugins retain are shown, kept ones are reported, and failures set the exit code", async () => {
  const { Bytes: _, ...kept } = item("image", IMAGE, ["app:1"]);
  const plan = { ...PLAN, Items: [], Kept: [{ ...kept, Why: "plugin guard keeps it" }] };
  assert.equal(
    (await answered("", ["image", "prune"], engineWith(plan))).out,
    "image app:1 stays: plugin guard keeps it\n\nNothing to remove.\n",
  );
  const forced = await answered("", ["image", "prune", "-f"], engineWith(plan));
  assert.equal(forced.err, "tsd: image app:1 stays: plugin guard keeps it\n");
  const report = { ...REPORT, Removed: [], ImagesDeleted: [], SpaceReclaimed: 0 };
  const used = { ...report, Kept: [{ ...kept, Why: "container web uses it now" }] };
  const [calm, broken] = [
    await answered("", ["prune", "-f"], engineWith(PLAN, used)),
    await answered("", ["prune", "-f"], engineWith(PLAN, { ...report, Kept: [{ ...kept, Failed: true }] })),
  ];
  assert.deepEqual([calm.code, calm.err], [0, "tsd: image app:1 stays: container web uses it now\n"]);
  assert.deepEqual([broken.code, broken.err], [1, "tsd: cannot remove image app:1: unused\n"]);
});

Deno.test("prune: with json and templates the question is on standard error", async () => {
  const requested = await answered("y\n", ["prune", "--format", "json"]);
  assert.deepEqual(requested.out.trimEnd().split("\n").map((line) => JSON.parse(line)), [PLAN, REPORT]);
  assert.equal(requested.err, QUESTION);
  const template = await answered("", ["prune", "-f", "--format", "{{.Kind}} {{.Bytes}}"]);
  assert.equal(template.out, "container 5000\nimage 1200000\n");
});
