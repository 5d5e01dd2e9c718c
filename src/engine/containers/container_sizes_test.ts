import { strict as assert } from "node:assert";
import { TsdError } from "../../errors.ts";
import { digestOfHex } from "../../image/digest.ts";
import { ContainerSizes } from "./container_sizes.ts";

const IMAGE = digestOfHex("1".repeat(64));
const container = { id: "c", record: { imageId: IMAGE } };
const images = { get: () => Promise.resolve({ record: { sizeBytes: 100 } }) };

Deno.test("container sizes: what it wrote, and that with its image", async () => {
  const snapshots = { usage: () => Promise.resolve({ bytes: 7, inodes: 1 }) };
  assert.deepEqual(await new ContainerSizes(snapshots, images).of(container), { written: 7, total: 107 });
  const none = { get: () => Promise.resolve(undefined) };
  assert.deepEqual(await new ContainerSizes(snapshots, none).of(container), { written: 7, total: 7 });
  const damaged = { get: () => Promise.reject(new TsdError("storage", "its config is damaged")) };
  assert.deepEqual(await new ContainerSizes(snapshots, damaged).of(container), { written: 7, total: 7 });
});

Deno.test("container sizes: one that goes meanwhile has none; other failures are told", async () => {
  const failing = (code: "not_found" | "storage") => ({ usage: () => Promise.reject(new TsdError(code, "no")) });
  assert.equal(await new ContainerSizes(failing("not_found"), images).of(container), undefined);
  await assert.rejects(new ContainerSizes(failing("storage"), images).of(container), { code: "storage" });
});
