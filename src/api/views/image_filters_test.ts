import { strict as assert } from "node:assert";
import type { CatalogImage } from "../../engine/images/image_catalog.ts";
import { isTsdError } from "../../errors.ts";
import { parseImageConfig } from "../../image/config.ts";
import { digestOfHex } from "../../image/digest.ts";
import { imageFilter } from "./image_filters.ts";

const DIGEST = digestOfHex("ab".repeat(32));

function image(names: Partial<CatalogImage["names"]>, created?: string): CatalogImage {
  const config = parseImageConfig(
    new TextEncoder().encode(JSON.stringify({
      ...{ os: "linux", architecture: "amd64", config: { Labels: { team: "red", tier: "web" } } },
      ...{ rootfs: { type: "layers", diff_ids: [DIGEST] }, ...(created && { created }) },
    })),
    "a test's config",
  );
  return {
    record: { id: DIGEST, manifestDigest: DIGEST, layers: [DIGEST], sizeBytes: 1, addedMs: 1000 },
    config,
    names: { tags: [], repoDigests: [], ...names },
  };
}

const YEAR = "2024-01-01T00:00:00Z";
const NAMED = image({ tags: ["app:1", "app:2", "host:5000/team/app:1"], repoDigests: [`app@${DIGEST}`] }, YEAR);
const OTHERS: Readonly<Record<string, CatalogImage>> = {
  older: image({}, "2023-01-01T00:00:00Z"),
  newer: image({}, "2025-01-01T00:00:00Z"),
  timeless: image({}),
};

async function filtered(filters: Record<string, string[]>, of = NAMED) {
  const filter = await imageFilter(new Map(Object.entries(filters)), (name) => Promise.resolve(OTHERS[name]));
  return filter(of)?.names;
}

const passes = async (filters: Record<string, string[]>, of = NAMED) => await filtered(filters, of) !== undefined;

Deno.test("reference keeps the matching names, and drops images without any", async () => {
  assert.deepEqual(await filtered({ reference: ["app:2"] }), { tags: ["app:2"], repoDigests: [] });
  assert.deepEqual(await filtered({ reference: ["app"] }), {
    tags: ["app:1", "app:2"],
    repoDigests: [`app@${DIGEST}`],
  });
  assert.deepEqual(await filtered({ reference: ["*:1"] }), { tags: ["app:1"], repoDigests: [] });
  assert.deepEqual((await filtered({ reference: ["app:2", "host:5000/*/*"] }))?.tags, [
    "app:2",
    "host:5000/team/app:1",
  ]);
  assert.equal(await passes({ reference: ["app:3"] }), false);
  assert.equal(await passes({ reference: ["*"] }, image({})), false);
});

Deno.test("all labels must match", async () => {
  assert.equal(await passes({ label: ["team=red", "tier"] }), true);
  assert.equal(await passes({ label: ["team=red", "tier=db"] }), false);
});

Deno.test("before, since and until compare creation times, and all must match", async () => {
  const cases: readonly (readonly [Record<string, string[]>, boolean])[] = [
    [{ since: ["older"] }, true],
    [{ since: ["newer"] }, false],
    [{ since: ["older", "newer"] }, false],
    [{ before: ["newer"] }, true],
    [{ before: ["older"] }, false],
    [{ before: ["newer", "older"] }, false],
    [{ until: ["2024-06-01"] }, true],
    [{ until: [YEAR] }, false],
    [{ before: ["newer"], since: ["older"] }, true],
    [{ since: ["timeless"] }, true],
  ];
  for (const [filters, expected] of cases) assert.equal(await passes(filters), expected, JSON.stringify(filters));
  assert.equal(await passes({ before: ["newer"] }, OTHERS.timeless), false, "its creation time is unknown");
});

Deno.test("dangling images have no tag; others may have a digest only", async () => {
  const [untagged, nameless] = [image({ repoDigests: [`app@${DIGEST}`] }), image({})];
  assert.deepEqual(await Promise.all([NAMED, untagged, nameless].map((of) => passes({ dangling: ["true"] }, of))), [
    false,
    true,
    true,
  ]);
  assert.deepEqual(await Promise.all([NAMED, untagged, nameless].map((of) => passes({ dangling: ["0"] }, of))), [
    true,
    true,
    false,
  ]);
});

Deno.test("invalid values are refused even without images", async () => {
  const cases: readonly (readonly [Record<string, string[]>, string])[] = [
    [{ dangling: ["true", "false"] }, "invalid filter 'dangling=[true false]'"],
    [{ dangling: ["yes"] }, "invalid filter 'dangling=[yes]'"],
    [{ dangling: [] }, "invalid filter 'dangling'"],
    [{ until: ["soon"] }, 'failed to parse value as time or duration: "soon"'],
    [{ reference: ["a["] }, "syntax error in pattern: a["],
  ];
  for (const [filters, message] of cases) {
    await assert.rejects(
      passes(filters),
      (thrown) => isTsdError(thrown, "invalid_argument") && thrown.message === message,
    );
  }
});
