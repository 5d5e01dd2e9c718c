import { strict as assert } from "node:assert";
import type { CatalogImage } from "../../engine/images/image_catalog.ts";
import { parseImageConfig } from "../../image/config.ts";
import { digestOfHex } from "../../image/digest.ts";
import { filterImage } from "./image_view.ts";

const DIGEST = digestOfHex("ab".repeat(32));

const config = parseImageConfig(
  new TextEncoder().encode(JSON.stringify({
    ...{ os: "linux", architecture: "amd64", config: { Labels: { team: "red", tier: "web" } } },
    ...{ rootfs: { type: "layers", diff_ids: [DIGEST] } },
  })),
  "a test's config",
);

const IMAGE: CatalogImage = {
  record: { id: DIGEST, manifestDigest: DIGEST, layers: [DIGEST], sizeBytes: 1, addedMs: 1000 },
  config,
  names: { tags: ["app:1", "app:2", "host:5000/team/app:1"], repoDigests: [`app@${DIGEST}`] },
};

function filtered(filters: Record<string, string[]>) {
  return filterImage(IMAGE, new Map(Object.entries(filters)), () => 500)?.names;
}

Deno.test("a reference leaves the names that fit, and no image without one", () => {
  assert.deepEqual(filtered({ reference: ["app:2"] }), { tags: ["app:2"], repoDigests: [] });
  assert.deepEqual(filtered({ reference: ["app"] }), { tags: ["app:1", "app:2"], repoDigests: [`app@${DIGEST}`] });
  assert.deepEqual(filtered({ reference: ["*:1"] }), { tags: ["app:1"], repoDigests: [] });
  assert.deepEqual(filtered({ reference: ["app:2", "host:5000/*/*"] })?.tags, ["app:2", "host:5000/team/app:1"]);
  assert.equal(filtered({ reference: ["app:3"] }), undefined);
});

Deno.test("all labels must be there; other keys' values are alternatives", () => {
  assert.equal(filtered({ label: ["team=red", "tier"] })?.tags.length, 3);
  assert.equal(filtered({ label: ["team=red", "tier=db"] }), undefined);
  assert.equal(filtered({ since: ["x"] })?.tags.length, 3);
  assert.equal(filtered({ before: ["x"] }), undefined);
  assert.equal(filtered({ dangling: ["true"] }), undefined);
  assert.equal(filtered({ dangling: ["true", "false"] })?.tags.length, 3);
});
