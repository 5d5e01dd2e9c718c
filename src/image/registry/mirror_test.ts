import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { collectBytes } from "../../io/mod.ts";
import { parsePlatform } from "../platform.ts";
import type { Credential } from "./auth.ts";
import { type FakeRegistry, fastLimitsClient, putImage, startRegistry, truncatedResponse } from "./registry_testing.ts";
import { InsecureHosts } from "./insecure_hosts.ts";
import { Mirrors } from "./mirrors.ts";

const AMD64 = parsePlatform("linux/amd64");
const LAYER = new Uint8Array(200_000).fill(7);
const PASSWORD: Credential = { kind: "password", username: "me", password: "secret" };
const BASIC = `Basic ${btoa("me:secret")}`;

/** A client of `registry` that uses `mirror` first. */
const mirrored = (registry: FakeRegistry, ...mirrors: string[]) =>
  fastLimitsClient({ mirrors: { [registry.host]: mirrors.map((host) => `http://${host}/`) } });

Deno.test("only the mirror is used if it has everything", async () => {
  await using registry = startRegistry();
  await using mirror = startRegistry();
  const { layers } = await putImage(mirror, [LAYER], ["latest"]);
  const client = mirrored(registry, mirror.host);
  await client.resolveManifest(registry.ref("web"), AMD64);
  const { stream } = await client.openBlob(registry.ref("web"), layers[0]!);
  assert.equal((await collectBytes(stream, { maxBytes: LAYER.length, what: "layer" })).length, LAYER.length);
  assert.deepEqual(registry.requests, []);
});

Deno.test("content that a mirror lacks or has damaged comes from the registry", async () => {
  for (const answer of [404, 401, 500, 429]) {
    await using registry = startRegistry();
    await using mirror = startRegistry(() => new Response("", { status: answer }));
    await putImage(registry, [LAYER], ["latest"]);
    const startedMs = performance.now();
    await mirrored(registry, mirror.host).resolveManifest(registry.ref("web"), AMD64);
    assert.ok(performance.now() - startedMs < 2000, "no patience with a mirror");
    assert.equal(mirror.requests.length, 2, `${answer}: for the manifest and the config`);
  }
});

Deno.test("an unreachable mirror is suspended for a while", async () => {
  const removed = startRegistry();
  await removed[Symbol.asyncDispose]();
  await using registry = startRegistry();
  await using second = startRegistry();
  await putImage(second, [LAYER], ["latest"]);
  await mirrored(registry, removed.host, second.host).resolveManifest(registry.ref("web"), AMD64);
  assert.deepEqual(registry.requests, []);

  const mirrors = new Mirrors({ "docker.io": ["https://a.lan/", "https://b.lan/"] });
  mirrors.suspend(new URL("https://a.lan/"), 1000);
  assert.deepEqual(mirrors.of("docker.io", 60_999).map(({ host }) => host), ["b.lan"]);
  assert.deepEqual(mirrors.of("docker.io", 61_000).map(({ host }) => host), ["a.lan", "b.lan"]);
  assert.deepEqual(mirrors.of("ghcr.io"), []);
  assert.deepEqual(mirrors.of("constructor"), []);
});

Deno.test("if a mirror fails during a download, the registry continues it with Range", async () => {
  await using registry = startRegistry();
  await using mirror = startRegistry(() => truncatedResponse(LAYER.slice(0, 70_000), LAYER.length));
  const { layers } = await putImage(registry, [LAYER], ["latest"]);
  const { stream } = await mirrored(registry, mirror.host).openBlob(registry.ref("web"), layers[0]!);
  assert.deepEqual(new Uint8Array(await collectBytes(stream, { maxBytes: LAYER.length, what: "layer" })), LAYER);
});

Deno.test("credentials are sent to the registry only, not to its mirrors", async () => {
  const received: (string | null)[] = [];
  const challenge = { status: 401, headers: { "www-authenticate": `Basic realm="x"` } };
  await using mirror = startRegistry((request) => {
    received.push(request.headers.get("authorization"));
    return new Response("", challenge);
  });
  await using registry = startRegistry((request, answer) =>
    request.headers.get("authorization") === BASIC ? answer() : new Response("", challenge)
  );
  await putImage(registry, [LAYER], ["latest"]);
  const client = mirrored(registry, mirror.host);
  await client.resolveManifest(registry.ref("web"), AMD64, { credential: PASSWORD });
  assert.deepEqual([...new Set(received)], [null]);
  await assert.rejects(
    client.resolveManifest(registry.ref("web"), AMD64),
    (error: Error) => isTsdError(error, "registry_denied"),
  );
});

Deno.test("insecure registries by name, port and network", () => {
  const insecure = new InsecureHosts(["Registry.lan", "other.lan:5000", "10.0.0.0/8", "fd00::/8"]);
  for (const host of ["registry.lan", "registry.lan:1", "other.lan:5000", "10.1.2.3", "10.1.2.3:5000", "[fd00::1]:1"]) {
    assert.ok(insecure.has(host), host);
  }
  for (const host of ["other.lan", "other.lan:5001", "11.0.0.1", "[fe80::1]", "10.lan", "registry.lan.evil"]) {
    assert.ok(!insecure.has(host), host);
  }
});
