import { strict as assert } from "node:assert";
import { type Digest, digestOfHex } from "../../image/digest.ts";
import type { Container } from "../model/container.ts";
import type { CatalogImage } from "../images/image_catalog.ts";
import { DiskUsage } from "./disk_usage.ts";

const ID = digestOfHex("a".repeat(64));
const containers = ["one", "gone"].map((id) => ({ id })) as Container[];

const usage = new DiskUsage({
  table: { list: () => containers, ofImage: (id: Digest) => id === ID ? containers : [] },
  catalog: { list: () => Promise.resolve([{ record: { id: ID } } as CatalogImage]) },
  usage: { measure: () => Promise.resolve({ layersBytes: 30, sharedBytes: new Map([[ID, 10]]) }) },
  incomplete: { left: () => Promise.resolve([{ kind: "layer", digest: ID, bytes: 4, changedMs: 0 }]) },
  sizes: { of: ({ id }) => Promise.resolve(id === "gone" ? undefined : { written: 1, total: 31 }) },
});

Deno.test("disk usage: images with what they share and who uses them, and what pulls left", async () => {
  const { layersBytes, images } = await usage.images();
  assert.equal(layersBytes, 34);
  assert.deepEqual(images.map(({ sharedBytes, containers }) => [sharedBytes, containers]), [[10, 2]]);
});

Deno.test("disk usage: a container that goes meanwhile is left out", async () => {
  assert.deepEqual((await usage.containers()).map(({ container, size }) => [container.id, size.written]), [["one", 1]]);
});
