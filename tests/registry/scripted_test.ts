import { strict as assert } from "node:assert";
import { bytesOf, digestOf, readAll } from "../images/bytes.ts";
import { type Image, ImageBuilder } from "../images/image_builder.ts";
import { file } from "../images/tar_entries.ts";
import { selfSignedCertificate } from "./certificate.ts";
import { type ScriptedRegistry, type ScriptedRegistryOptions, startScriptedRegistry } from "./scripted.ts";

const REPO = "demo/small";

/** Starts a registry with one small image; returns also the URL of its only layer. */
async function started(
  options: ScriptedRegistryOptions = {},
): Promise<{ registry: ScriptedRegistry; image: Image; layerUrl: string; bytes: Uint8Array }> {
  const image = await new ImageBuilder().layer([file("file", "content ".repeat(5000))], { compression: "none" })
    .build();
  const registry = startScriptedRegistry(options);
  registry.add(REPO, "latest", image);
  const { blob } = image.layers[0]!;
  return {
    registry,
    image,
    layerUrl: `${registry.url}/v2/${REPO}/blobs/${blob.digest}`,
    bytes: await readAll(blob.open()),
  };
}

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

async function get(url: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Got> {
  const response = await fetch(url, { headers, redirect: "manual", ...init });
  return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) };
}

Deno.test("a registry without faults serves manifests, blobs, tags, heads and ranges, and records requests", async () => {
  const { registry, image, layerUrl, bytes } = await started();
  await using _ = registry;
  assert.equal((await get(`${registry.url}/v2/`)).status, 200);
  const manifest = await get(`${registry.url}/v2/${REPO}/manifests/latest`, { "x-test": "1" });
  assert.equal(digestOf(manifest.bytes), image.top.digest);
  assert.equal(manifest.headers.get("docker-content-digest"), image.top.digest);
  assert.equal(manifest.headers.get("content-type"), image.top.mediaType);
  assert.deepEqual((await get(layerUrl)).bytes, bytes);
  const part = await get(layerUrl, { range: "bytes=100-199" });
  assert.deepEqual([part.status, part.bytes], [206, bytes.subarray(100, 200)]);
  assert.equal(part.headers.get("content-range"), `bytes 100-199/${bytes.length}`);
  assert.deepEqual((await get(layerUrl, { range: "bytes=700-" })).bytes, bytes.subarray(700));
  assert.equal((await get(layerUrl, { range: `bytes=${bytes.length}-` })).status, 416);
  assert.equal((await get(`${registry.url}/v2/${REPO}/manifests/none`)).status, 404);
  assert.equal((await get(`${registry.url}/v2/no/manifests/latest`)).status, 404);
  const head = await get(layerUrl, {}, { method: "HEAD" });
  assert.deepEqual([head.status, head.bytes.length], [200, 0]);
  assert.equal(head.headers.get("content-length"), String(bytes.length));
  assert.deepEqual(
    JSON.parse(new TextDecoder().decode((await get(`${registry.url}/v2/${REPO}/tags/list`)).bytes)).tags,
    ["latest"],
  );
  assert.equal(registry.requestsFor("/v2/*/manifests/latest")[0]?.headers["x-test"], "1");
  assert.equal(registry.requestsFor("*/blobs/*", "HEAD").length, 1);
  assert.equal(registry.requests.length, 10);
});

Deno.test("status faults occur that many times, after that many correct responses", async () => {
  const { registry, layerUrl } = await started({
    faults: [
      { path: "*/blobs/*", after: 1, times: 2, fault: "status", status: 503 },
      { path: "*/manifests/*", fault: "status", status: 429, headers: { "retry-after": "7" }, body: "slow down" },
    ],
  });
  await using _ = registry;
  const statuses = [];
  for (let count = 0; count < 4; count++) statuses.push((await get(layerUrl)).status);
  assert.deepEqual(statuses, [200, 503, 503, 200]);
  const limited = await get(`${registry.url}/v2/${REPO}/manifests/latest`);
  assert.deepEqual([limited.status, limited.headers.get("retry-after")], [429, "7"]);
  registry.heal();
  assert.equal((await get(`${registry.url}/v2/${REPO}/manifests/latest`)).status, 200);
});

Deno.test("content faults change the bytes before a range is selected", async () => {
  const { registry, layerUrl, bytes } = await started();
  await using _ = registry;
  const path = "*/blobs/*";
  registry.fail({ path, times: 2, fault: "corrupt", atByte: 150 });
  for (const [range, offset] of [[{}, 150], [{ range: "bytes=100-" }, 50]] as const) {
    const got = (await get(layerUrl, range)).bytes;
    assert.equal(got[offset], bytes[150]! ^ 1);
    assert.equal(got[offset - 1], bytes[149]);
  }
  registry.heal();
  registry.fail({ path, times: 1, fault: "append", bytes: "junk" }, {
    path,
    after: 1,
    times: 1,
    fault: "shorten",
    byBytes: 10,
  });
  registry.fail({ path, after: 2, times: 1, fault: "replace", bytes: "other" });
  assert.equal((await get(layerUrl)).bytes.length, bytes.length + 4);
  assert.equal((await get(layerUrl)).bytes.length, bytes.length - 10);
  assert.equal(new TextDecoder().decode((await get(layerUrl)).bytes), "other");
});

Deno.test("a body can break off, with and without range support", async () => {
  const { registry, layerUrl, bytes } = await started();
  await using _ = registry;
  registry.fail({ path: "*/blobs/*", times: 1, fault: "drop", afterBytes: 1000 });
  const response = await fetch(layerUrl);
  assert.equal(response.headers.get("content-length"), String(bytes.length));
  let received = 0;
  await assert.rejects(async () => {
    for await (const chunk of response.body!) received += chunk.length;
  });
  assert.equal(received, 1000);
  assert.deepEqual((await get(layerUrl, { range: "bytes=1000-" })).bytes, bytes.subarray(1000));
  registry.fail({ path: "*/blobs/*", fault: "ignore-range" });
  assert.deepEqual(await get(layerUrl, { range: "bytes=1000-" }).then(({ status, bytes }) => [status, bytes.length]), [
    200,
    bytes.length,
  ]);
});

Deno.test("heads can have false values", async () => {
  const { registry, layerUrl, bytes } = await started();
  await using _ = registry;
  const lie = (set: Record<string, string | null>) => {
    registry.heal();
    registry.fail({ path: "*/blobs/*", fault: "headers", set });
  };
  lie({ "content-range": "bytes 0-1/2" });
  assert.equal((await get(layerUrl, { range: "bytes=5-9" })).headers.get("content-range"), "bytes 0-1/2");
  lie({ "content-length": String(bytes.length + 5) });
  await assert.rejects(get(layerUrl), TypeError);
  lie({ "content-length": "100" });
  assert.equal((await get(layerUrl)).bytes.length, 100);
  lie({ "content-encoding": "gzip" });
  await assert.rejects(get(layerUrl), TypeError);
  lie({ "content-length": null });
  assert.equal((await get(layerUrl)).bytes.length, bytes.length);
  registry.heal();
  registry.fail({ path: "*/blobs/*", fault: "chunked" });
  const chunked = await get(layerUrl);
  assert.deepEqual([chunked.headers.get("content-length"), chunked.bytes.length], [null, bytes.length]);
});

Deno.test("redirects: forever, a number of times, and to another host that records requests", async () => {
  const { registry, layerUrl, bytes } = await started();
  await using _ = registry;
  const follow = (headers = {}) => get(layerUrl, headers, { redirect: "follow" });
  registry.fail({ path: "*/blobs/*", fault: "redirect", to: "self" });
  await assert.rejects(follow(), TypeError);
  assert.ok(registry.requests.length > 10);
  registry.heal();
  registry.fail({ path: "*/blobs/*", fault: "redirect", to: "self", hops: 3 });
  assert.deepEqual((await follow()).bytes, bytes);
  registry.heal();
  registry.fail({ path: "*/blobs/*", fault: "redirect", to: "other" });
  assert.deepEqual((await follow({ authorization: "Bearer x" })).bytes, bytes);
  const [arrived] = registry.requests.filter((request) => request.host === "other");
  assert.equal(arrived?.path, new URL(layerUrl).pathname);
  assert.equal(arrived?.headers.authorization, undefined);
  registry.heal();
  registry.fail({ path: "*/blobs/*", fault: "redirect", to: "http://169.254.169.254/x", status: 302 });
  assert.equal((await get(layerUrl)).headers.get("location"), "http://169.254.169.254/x");
});

Deno.test("connections can be slow, silent, cut or garbled; disposal ends hanging ones", async () => {
  const { registry, layerUrl } = await started();
  {
    await using _ = registry;
    const path = "*/blobs/*";
    registry.fail({ path, times: 1, fault: "delay", ms: 30 }, {
      path,
      after: 1,
      times: 1,
      fault: "garbage",
      bytes: "SSH-2.0\r\n",
    });
    const before = performance.now();
    assert.equal((await get(layerUrl)).status, 200);
    assert.ok(performance.now() - before >= 29);
    await assert.rejects(get(layerUrl), TypeError);
    registry.heal();
    registry.fail({ path, fault: "slow", bytesPerSecond: 100 });
    const response = await fetch(layerUrl);
    const reader = response.body!.getReader();
    assert.equal((await reader.read()).value?.length, 10);
    await reader.cancel();
    registry.heal();
    registry.fail({ path, fault: "hang" });
    await assert.rejects(get(layerUrl, {}, { signal: AbortSignal.timeout(50) }));
  }
  await assert.rejects(get(layerUrl), TypeError);
});

Deno.test("a connection closed without a response is an error of the client", async () => {
  const { registry, layerUrl } = await started({ faults: [{ path: "*/blobs/*", fault: "close" }] });
  await using _ = registry;
  await assert.rejects(get(layerUrl), TypeError);
});

Deno.test("tokens: a challenge, a token, its expiry, and accounts", async () => {
  const account = { user: "ann", password: "secret" };
  const { registry, layerUrl } = await started({
    auth: { kind: "bearer", tokenUses: 2, account, refreshToken: "again" },
  });
  await using _ = registry;
  const challenge = (await get(layerUrl)).headers.get("www-authenticate");
  assert.equal(challenge, `Bearer realm="${registry.url}/token",service="scripted",scope="repository:${REPO}:pull"`);
  const tokenUrl = `${registry.url}/token?service=scripted&scope=repository:${REPO}:pull`;
  assert.equal((await get(tokenUrl)).status, 401);
  const granted = await get(tokenUrl, { authorization: `Basic ${btoa("ann:secret")}` });
  const { token } = JSON.parse(new TextDecoder().decode(granted.bytes));
  const statuses = [];
  for (let count = 0; count < 3; count++) {
    statuses.push((await get(layerUrl, { authorization: `Bearer ${token}` })).status);
  }
  assert.deepEqual(statuses, [200, 200, 401]);
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: "again",
    scope: `repository:${REPO}:pull`,
  });
  assert.equal((await get(`${registry.url}/token`, {}, { method: "POST", body })).status, 200);
  body.set("refresh_token", "wrong");
  assert.equal((await get(`${registry.url}/token`, {}, { method: "POST", body })).status, 401);
});

Deno.test("a token for one repository does not open another; a malicious realm is passed on; Basic works", async () => {
  const first = await started({ auth: { kind: "bearer", realm: "http://169.254.169.254/token" } });
  await using _ = first.registry;
  assert.match(
    (await get(first.layerUrl)).headers.get("www-authenticate") ?? "",
    /realm="http:\/\/169\.254\.169\.254\/token"/,
  );
  const granted = await get(`${first.registry.url}/token?scope=repository:other:pull`);
  const { token } = JSON.parse(new TextDecoder().decode(granted.bytes));
  const refused = await get(first.layerUrl, { authorization: `Bearer ${token}` });
  assert.match(refused.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
  const second = await started({ auth: { kind: "basic", account: { user: "u", password: "p" } } });
  await using _second = second.registry;
  assert.equal((await get(second.layerUrl)).status, 401);
  assert.equal((await get(second.layerUrl, { authorization: `Basic ${btoa("u:p")}` })).status, 200);
});

Deno.test("HTTPS with a self-signed certificate", async () => {
  const tls = await selfSignedCertificate();
  const { registry, layerUrl, bytes } = await started({ tls });
  await using _ = registry;
  assert.match(registry.url, /^https:/);
  using client = Deno.createHttpClient({ caCerts: [tls.cert] });
  assert.deepEqual((await get(layerUrl, {}, { client } as RequestInit)).bytes, bytes);
  await assert.rejects(get(layerUrl), TypeError);
});

Deno.test("request bodies are read with a length and chunked", async () => {
  const { registry } = await started();
  await using _ = registry;
  const url = `${registry.url}/v2/${REPO}/blobs/x`;
  for (const body of [bytesOf("x".repeat(100_000)), ReadableStream.from([bytesOf("a"), bytesOf("bc")])]) {
    assert.equal((await get(url, {}, { method: "POST", body })).status, 405);
    assert.equal((await get(`${registry.url}/v2/`)).status, 200);
  }
});

Deno.test("a client that tries TLS on a plain port is disconnected at once", async () => {
  const { registry } = await started();
  await using _ = registry;
  await assert.rejects(get(`https://${registry.host}/v2/`, {}, { signal: AbortSignal.timeout(2000) }), TypeError);
  assert.equal(registry.requests.length, 0);
});
