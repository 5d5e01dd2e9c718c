import { strict as assert } from "node:assert";
import { parseItems, parseKind, planView, reportView } from "./prune_view.ts";

const ITEM = { kind: "image", id: "sha256:1", names: ["a:1"], labels: { a: "b" }, why: "unused", bytes: 3 } as const;
const WIRE = { Kind: "image", ID: "sha256:1", Names: ["a:1"], Labels: { a: "b" }, Why: "unused", Bytes: 3 };

Deno.test("a plan and a report are converted to the API's types", () => {
  const { bytes: _, ...kept } = ITEM;
  const { Bytes: __, ...apiKept } = WIRE;
  assert.deepEqual(planView({ items: [ITEM, ITEM], kept: [kept] }), {
    Items: [WIRE, WIRE],
    Kept: [apiKept],
    SpaceReclaimable: 6,
  });
  assert.deepEqual(
    reportView({ removed: [ITEM], images: [{ Deleted: "x" }], kept: [{ ...kept, failed: true }], bytes: 3 }),
    {
      Removed: [WIRE],
      ImagesDeleted: [{ Deleted: "x" }],
      Kept: [{ ...apiKept, Failed: true }],
      SpaceReclaimed: 3,
    },
  );
});

Deno.test("items in a request are validated", () => {
  const { bytes: _, ...expected } = ITEM;
  assert.deepEqual(parseItems({ Items: [WIRE] }), [expected]);
  const { Kind: kind, ID: id, Names: NAMES, Labels: labels, Why: why } = WIRE;
  assert.deepEqual(parseItems({ items: [{ kind, id, NAMES, labels, why, x: 1 }] }), [expected]);
  assert.deepEqual(parseItems({ Items: [{ Kind: "image", ID: "x", Names: [] }] })[0].labels, {});
  const refused = [
    ...[undefined, {}, { Items: {} }, { Items: [1] }, { Items: [{ ...WIRE, Kind: "nosuch" }] }],
    ...[{ Items: [{ ...WIRE, ID: 1 }] }, { Items: [{ ...WIRE, Names: "a" }] }, { Items: [{ ...WIRE, Labels: [] }] }],
    ...[{ Items: [{ Kind: "image", ID: "x" }] }, [], { Items: null }],
  ];
  for (const body of refused) assert.throws(() => parseItems(body), { code: "invalid_argument" }, JSON.stringify(body));
  assert.equal(parseKind("build-cache"), "build-cache");
});
