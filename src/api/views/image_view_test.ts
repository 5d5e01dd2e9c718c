import { strict as assert } from "node:assert";
import type { CatalogImage } from "../../engine/images/image_catalog.ts";
import { parseImageConfig } from "../../image/config.ts";
import { digestOfHex } from "../../image/digest.ts";
import { imageHistory, inspectImage, summariseImage } from "./image_view.ts";

const [LOWER, UPPER] = [digestOfHex("1".repeat(64)), digestOfHex("2".repeat(64))];
const ID = digestOfHex("a".repeat(64));

function image(more: object = {}, tags: readonly string[] = []): CatalogImage {
  const bytes = new TextEncoder().encode(JSON.stringify({
    ...{ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [LOWER, UPPER] } },
    ...more,
  }));
  const record = { id: ID, manifestDigest: ID, layers: [LOWER, UPPER], sizeBytes: 30, addedMs: 1 };
  return { record, config: parseImageConfig(bytes, "a test's config"), names: { tags, repoDigests: [] } };
}

Deno.test("history: entries with a layer have its size, the newest has the image's id and tags", () => {
  const history = [
    { created_by: "ADD a", created: "2024-01-01T00:00:01Z" },
    { created_by: "ENV b", empty_layer: true },
    { created_by: "RUN c", comment: "why" },
  ];
  const rows = imageHistory(image({ history }, ["a:1"]), new Map([[LOWER, 10], [UPPER, 20]]));
  const columns = rows.map(({ Id, CreatedBy, Size, Tags, Comment }) => [Id, CreatedBy, Size, Tags, Comment]);
  assert.deepEqual(columns, [
    [ID, "RUN c", 20, ["a:1"], "why"],
    ["<missing>", "ENV b", 0, null, ""],
    ["<missing>", "ADD a", 10, null, ""],
  ]);
  assert.equal(rows[2].Created, 1704067201);
});

Deno.test("images: older clients get additional fields", () => {
  const now = summariseImage(image(), { containers: 2, version: "1.50" });
  assert.deepEqual([now.RepoTags, now.VirtualSize, now.SharedSize, now.Containers], [[], undefined, -1, 2]);
  const old = summariseImage(image(), { containers: 0, sharedBytes: 7, version: "1.42" });
  assert.deepEqual([old.RepoTags, old.RepoDigests], [["<none>:<none>"], ["<none>@<none>"]]);
  assert.deepEqual([old.VirtualSize, old.SharedSize], [30, 7]);
  assert.deepEqual(summariseImage(image({}, ["a:1"]), { containers: 0, version: "1.42" }).RepoTags, ["a:1"]);
});

Deno.test("inspect: the image's config, and when it was tagged last", () => {
  const Healthcheck = { Test: ["CMD", "true"], Interval: 5_000_000_000, Retries: 2 };
  const config = { Healthcheck, Labels: { a: "b" } };
  const context = { driver: "overlay2", version: "1.50" } as const;
  const shown = inspectImage(image({ config, comment: "whole", docker_version: "20.10" }), context);
  assert.deepEqual(shown.Config?.Healthcheck, Healthcheck);
  assert.deepEqual([shown.Comment, shown.DockerVersion, shown.Created], ["whole", "20.10", undefined]);
  assert.equal(shown.Metadata.LastTagTime, "0001-01-01T00:00:00Z");
  const tagged = image();
  const inspected = inspectImage({ ...tagged, record: { ...tagged.record, taggedMs: 1000 } }, {
    ...context,
    version: "1.43",
  });
  assert.equal(inspected.Metadata.LastTagTime, "1970-01-01T00:00:01.000Z");
  assert.deepEqual([inspected.Created, inspected.VirtualSize], ["0001-01-01T00:00:00Z", 30]);
});
