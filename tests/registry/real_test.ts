import { strict as assert } from "node:assert";
import { digestOf, readAll } from "../images/bytes.ts";
import { busyboxImage } from "../images/busybox.ts";
import { featureImage } from "../images/features.ts";
import { indexOf } from "../images/image_builder.ts";
import { INDEX_TYPES, MANIFEST_TYPES } from "../images/media_types.ts";
import { pushImage } from "../images/push.ts";
import { requires } from "../requires.ts";
import { startRealRegistry } from "./real.ts";

const ACCEPT = [...Object.values(MANIFEST_TYPES), ...Object.values(INDEX_TYPES), "*/*"].join(", ");

async function get(url: string): Promise<{ type: string; digest: string; bytes: Uint8Array }> {
  const response = await fetch(url, { headers: { accept: ACCEPT } });
  const bytes = new Uint8Array(await response.arrayBuffer());
  assert.equal(response.status, 200, url);
  return { type: response.headers.get("content-type") ?? "", digest: digestOf(bytes), bytes };
}

Deno.test({
  name: "docker-registry accepts the images and returns the same bytes",
  ...requires("root", "docker-registry"),
  fn: async (test) => {
    await using registry = await startRealRegistry();

    for (const format of ["oci", "docker"] as const) {
      await test.step(`${format} image`, async () => {
        const image = await busyboxImage({ format });
        await pushImage(registry.url, "demo/busybox", format, image);
        const manifest = await get(`${registry.url}/v2/demo/busybox/manifests/${image.top.digest}`);
        assert.equal(manifest.digest, image.top.digest);
        assert.equal(manifest.type, image.top.mediaType);
        for (const blob of image.blobs) {
          const got = await get(`${registry.url}/v2/demo/busybox/blobs/${blob.digest}`);
          assert.equal(got.digest, blob.digest);
          assert.equal(got.bytes.length, blob.sizeBytes);
          assert.deepEqual(got.bytes, await readAll(blob.open()));
        }
      });
    }

    await test.step("an index of two platforms", async () => {
      const { image } = await featureImage();
      const arm = await busyboxImage({ platform: { os: "linux", architecture: "arm64", variant: "v8" } });
      const index = indexOf([arm, image]);
      await pushImage(registry.url, "demo/multi", "latest", index);
      const top = await get(`${registry.url}/v2/demo/multi/manifests/${index.top.digest}`);
      assert.equal(top.digest, index.top.digest);
      const parsed = JSON.parse(new TextDecoder().decode(top.bytes));
      assert.equal(parsed.manifests[0].platform.architecture, "arm64");
      for (const manifest of parsed.manifests) {
        assert.equal((await get(`${registry.url}/v2/demo/multi/manifests/${manifest.digest}`)).digest, manifest.digest);
      }
    });
  },
});

Deno.test({
  name: "the registry leaves nothing behind",
  ...requires("docker-registry"),
  fn: async () => {
    const registry = await startRealRegistry();
    const { pid, dir } = registry;
    assert.ok(await Deno.stat(`/proc/${pid}`));
    await registry[Symbol.asyncDispose]();
    await assert.rejects(Deno.stat(`/proc/${pid}`), Deno.errors.NotFound);
    await assert.rejects(Deno.stat(dir), Deno.errors.NotFound);
  },
});
