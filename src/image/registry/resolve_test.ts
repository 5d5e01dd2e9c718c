import { strict as assert } from "node:assert";
import { type ErrorCode, isTsdError } from "../../errors.ts";
import type { Descriptor } from "../manifest.ts";
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "../media_types.ts";
import { parsePlatform } from "../platform.ts";
import { familiarString, parseReference } from "../reference.ts";
import { fastLimitsClient, putBlob, putImage, putIndex, putManifest, startRegistry } from "./registry_testing.ts";

const LAYERS = ["one", "two"].map((text) => new TextEncoder().encode(text));
const AMD64 = parsePlatform("linux/amd64");
const failsWith = (work: Promise<unknown>, code: ErrorCode, message: string | RegExp) =>
  assert.rejects(work, (error: Error) => {
    assert.ok(isTsdError(error), String(error));
    assert.equal(
      `${error.code}: ${error.message}`,
      `${code}: ${typeof message === "string" ? message : error.message}`,
    );
    if (typeof message !== "string") assert.match(error.message, message);
    return true;
  });

Deno.test("a tag resolves to an image", async () => {
  await using registry = startRegistry();
  const put = await putImage(registry, LAYERS, ["1"], { config: { Env: ["A=b"] } });
  const image = await fastLimitsClient().resolveManifest(registry.ref("team/web:1"), AMD64);
  assert.equal(familiarString(image.reference), `${registry.host}/team/web:1`);
  assert.equal(image.topDigest, put.manifest.digest);
  assert.equal(image.topMediaType, OCI_MANIFEST);
  assert.equal(image.manifestDigest, put.manifest.digest);
  assert.equal(image.configDigest, put.config.digest);
  assert.deepEqual(image.layers, put.layers.map((descriptor, i) => ({ descriptor, diffId: put.diffIds[i] })));
  assert.deepEqual(image.config.config.env, ["A=b"]);
  assert.deepEqual(image.platform, AMD64);
  assert.match(registry.requests[0].headers.get("accept")!, /oci\.image\.index.*manifest\.list.*oci\.image\.manifest/);
  assert.equal(registry.requests[0].headers.get("accept-encoding"), "identity");
});

Deno.test("the default tag is latest, and a digest takes precedence over a tag", async () => {
  await using registry = startRegistry();
  const { manifest } = await putImage(registry, LAYERS, ["latest"]);
  const image = await fastLimitsClient().resolveManifest(registry.ref("web"), AMD64);
  assert.equal(image.reference.tag, "latest");
  await fastLimitsClient().resolveManifest(registry.ref(`web:none@${manifest.digest}`), AMD64);
  assert.equal(registry.paths().at(-2), `/v2/web/manifests/${manifest.digest}`);
});

Deno.test("an index resolves to the platform's image; the RepoDigest is the index's", async () => {
  await using registry = startRegistry();
  const amd64 = await putImage(registry, LAYERS, []);
  const arm64 = await putImage(registry, LAYERS, [], { architecture: "arm64" });
  const index = await putIndex(registry, [
    { descriptor: amd64.manifest, platform: { os: "linux", architecture: "amd64" } },
    { descriptor: arm64.manifest, platform: { os: "linux", architecture: "arm64", variant: "v8" } },
    { descriptor: amd64.manifest, platform: { os: "unknown", architecture: "unknown" } },
  ], ["latest"]);
  const image = await fastLimitsClient().resolveManifest(registry.ref("web"), parsePlatform("linux/arm64"));
  assert.equal(image.topDigest, index.digest);
  assert.equal(image.topMediaType, OCI_INDEX);
  assert.equal(image.manifestDigest, arm64.manifest.digest);
  await failsWith(
    fastLimitsClient().resolveManifest(registry.ref("web"), parsePlatform("linux/s390x")),
    "platform_unavailable",
    "no matching manifest for linux/s390x in the manifest list entries",
  );
});

Deno.test("an image for another architecture is accepted only if no platform was requested", async () => {
  await using registry = startRegistry();
  await putImage(registry, LAYERS, ["arm"], { architecture: "arm64" });
  await putImage(registry, LAYERS, ["win"], { os: "windows" });
  const client = fastLimitsClient();
  assert.equal((await client.resolveManifest(registry.ref("web:arm"))).platform.architecture, "arm64");
  await failsWith(
    client.resolveManifest(registry.ref("web:arm"), AMD64),
    "platform_unavailable",
    `image with reference ${registry.host}/web:arm was found but its platform (linux/arm64/v8) ` +
      "does not match the specified platform (linux/amd64)",
  );
  await failsWith(
    client.resolveManifest(registry.ref("web:win")),
    "platform_unavailable",
    /operating system "windows"/,
  );
});

Deno.test("indexes may be nested up to four levels", async () => {
  await using registry = startRegistry();
  let { manifest: at }: { manifest: Descriptor } = await putImage(registry, LAYERS, []);
  for (let depth = 1; depth <= 5; depth++) at = await putIndex(registry, [{ descriptor: at }], [`depth${depth}`]);
  const client = fastLimitsClient();
  assert.equal((await client.resolveManifest(registry.ref("web:depth4"), AMD64)).layers.length, 2);
  await failsWith(
    client.resolveManifest(registry.ref("web:depth5"), AMD64),
    "manifest_invalid",
    /nested deeper than 4/,
  );
});

Deno.test("unknown names give Docker's error texts", async () => {
  let code = "";
  await using registry = startRegistry((_, answer) =>
    code === ""
      ? answer()
      : code === "html"
      ? new Response("<html>", { status: 404 })
      : Response.json({ errors: [{ code, message: `said\n${code}` }] }, { status: code === "DENIED" ? 403 : 404 })
  );
  const resolve = () => fastLimitsClient().resolveManifest(registry.ref("web:9"), AMD64);
  const name = `${registry.host}/web`;
  await failsWith(
    resolve(),
    "manifest_unknown",
    `manifest for ${name}:9 not found: manifest unknown: manifest unknown`,
  );
  code = "html";
  await failsWith(
    resolve(),
    "manifest_unknown",
    `manifest for ${name}:9 not found: manifest unknown: manifest unknown`,
  );
  const denied = `pull access denied for ${name}, repository does not exist or may require 'docker login'`;
  code = "NAME_UNKNOWN";
  await failsWith(resolve(), "registry_denied", `repository ${name} not found: name unknown: said NAME_UNKNOWN`);
  code = "DENIED";
  await failsWith(resolve(), "registry_denied", `${denied}: denied: said DENIED`);
});

Deno.test("a registry that can't be reached", async () => {
  const registry = startRegistry();
  await registry[Symbol.asyncDispose]();
  await failsWith(
    fastLimitsClient().resolveManifest(registry.ref("web"), AMD64),
    "registry_unreachable",
    `Cannot reach registry ${registry.host}: connection refused`,
  );
  await failsWith(
    fastLimitsClient().resolveManifest(parseReference("localhost:99999/web"), AMD64),
    "invalid_reference",
    "invalid reference format: no such registry localhost:99999",
  );
});

Deno.test("content with a wrong digest is rejected", async () => {
  let header = "";
  await using registry = startRegistry((_, answer) => {
    const response = answer();
    if (header !== "") response.headers.set("docker-content-digest", header);
    return response;
  });
  const { manifest, config } = await putImage(registry, LAYERS, ["latest"]);
  const resolve = (name: string) => fastLimitsClient().resolveManifest(registry.ref(name), AMD64);
  header = `sha256:${"0".repeat(64)}`;
  await failsWith(
    resolve("web"),
    "digest_mismatch",
    /manifest of .*\/web:latest: digest is sha256:[0-9a-f]+, expected sha256:000/,
  );
  header = "";
  const stored = registry.content.get(`manifests/${manifest.digest}`)!;
  registry.content.set(`manifests/${manifest.digest}`, { ...stored, bytes: new TextEncoder().encode("{}") });
  await failsWith(resolve(`web@${manifest.digest}`), "digest_mismatch", /expected sha256/);
  const configBytes = registry.content.get(`blobs/${config.digest}`)!.bytes;
  configBytes[5] ^= 1;
  await failsWith(resolve("web"), "digest_mismatch", /config of/);
  registry.content.get(`blobs/${config.digest}`)!.bytes = configBytes.slice(1);
  await failsWith(resolve("web"), "size_mismatch", /size is \d+, expected \d+/);
});

Deno.test("a manifest with another size than in its index is rejected", async () => {
  await using registry = startRegistry();
  const { manifest } = await putImage(registry, LAYERS, []);
  await putIndex(registry, [{ descriptor: { ...manifest, sizeBytes: manifest.sizeBytes + 1 } }], ["latest"]);
  await failsWith(fastLimitsClient().resolveManifest(registry.ref("web"), AMD64), "size_mismatch", /size is/);
});

Deno.test("huge documents are rejected before they are read", async () => {
  let sentBytes = 0;
  let good = false;
  await using registry = startRegistry((_, answer) => {
    if (good) return answer();
    return new Response(
      new ReadableStream({
        pull(controller) {
          sentBytes += 65536;
          controller.enqueue(new Uint8Array(65536).fill(32));
        },
      }),
    );
  });
  const resolve = () => fastLimitsClient().resolveManifest(registry.ref("web"), AMD64);
  await failsWith(resolve(), "manifest_invalid", /longer than 4194304 bytes/);
  assert.ok(sentBytes < 16 << 20, `${sentBytes}`);
  good = true;
  const config = await putBlob(registry, new Uint8Array(5 << 20), OCI_CONFIG);
  await putManifest(registry, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: config.digest, size: config.sizeBytes },
    layers: [],
  }, ["latest"]);
  await failsWith(resolve(), "manifest_invalid", /larger than 4194304 bytes/);
});

Deno.test("diff_ids and layers must have the same number", async () => {
  await using registry = startRegistry();
  await putImage(registry, LAYERS, ["latest"], { rootfs: { type: "layers", diff_ids: [] } });
  await failsWith(
    fastLimitsClient().resolveManifest(registry.ref("web"), AMD64),
    "manifest_invalid",
    /0 diff_ids.*2 layers/,
  );
});

Deno.test("cancelling ends a request without response", async () => {
  const abort = new AbortController();
  const release = Promise.withResolvers<Response>();
  await using registry = startRegistry(() => {
    abort.abort();
    return release.promise;
  });
  await failsWith(
    fastLimitsClient().resolveManifest(registry.ref("web"), AMD64, { signal: abort.signal }),
    "cancelled",
    "The operation was cancelled",
  );
  release.resolve(new Response());
});

Deno.test("a registry without response is a timeout", async () => {
  const release = Promise.withResolvers<Response>();
  await using registry = startRegistry(() => release.promise);
  await failsWith(
    fastLimitsClient({ limits: { responseMs: 200 } }).resolveManifest(registry.ref("web"), AMD64),
    "timeout",
    /no answer within 1 s/,
  );
  release.resolve(new Response());
});
