import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { parsePlatform } from "../platform.ts";
import { collectBytes } from "../../io/mod.ts";
import type { Credential, Credentials } from "./auth.ts";
import { parseChallenges } from "./challenge.ts";
import {
  type FakeRegistry,
  fastLimitsClient,
  type Handler,
  putBlob,
  putImage,
  startRegistry,
} from "./registry_testing.ts";
import { checkTarget, hostnameOf, isLinkLocalHost, isLoopbackHost } from "./hosts.ts";

const LAYERS = [new TextEncoder().encode("layer")];
const AMD64 = parsePlatform("linux/amd64");
const credentials = (credential: Credential): Credentials => ({ forDomain: () => Promise.resolve(credential) });
const PASSWORD: Credential = { kind: "password", username: "me", password: "pässword" };
const BASIC = `Basic ${new TextEncoder().encode("me:pässword").toBase64()}`;

/** A registry with its own token service, which requires bearer tokens. */
function tokenRegistry(
  token: (request: Request) => Response | Promise<Response>,
): FakeRegistry & { good: Set<string> } {
  const good = new Set<string>();
  const wrap: Handler = async (request, answer) => {
    const url = new URL(request.url);
    if (url.pathname === "/token") return await token(request);
    if (good.has(request.headers.get("authorization") ?? "")) return answer();
    const challenge = `Bearer realm="http://${url.host}/token",service="fake",scope="repository:web:pull"`;
    return Response.json({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }, {
      status: 401,
      headers: { "www-authenticate": challenge },
    });
  };
  return Object.assign(startRegistry(wrap), { good });
}

Deno.test("an anonymous token is requested once, with service and scope", async () => {
  let requested = 0;
  await using registry = tokenRegistry((request) => {
    const url = new URL(request.url);
    assert.equal(url.searchParams.get("service"), "fake");
    assert.equal(url.searchParams.get("scope"), "repository:web:pull");
    assert.equal(request.headers.get("authorization"), null);
    registry.good.add(`Bearer t${++requested}`);
    return Response.json({ access_token: `t${requested}`, expires_in: 300 });
  });
  const put = await putImage(registry, LAYERS, ["latest"]);
  const client = fastLimitsClient();
  await client.resolveManifest(registry.ref("web"), AMD64);
  await Promise.all(Array.from({ length: 5 }, () => client.resolveManifest(registry.ref("web"), AMD64)));
  assert.equal(requested, 1);
  // The token expires in between: all callers share one new token.
  registry.good.clear();
  await Promise.all(Array.from({ length: 5 }, async () => {
    const { stream } = await client.openBlob(registry.ref("web"), put.layers[0]);
    await stream.cancel();
  }));
  assert.equal(requested, 2);
});

Deno.test("twenty concurrent first requests share one token request", async () => {
  let requested = 0;
  await using registry = tokenRegistry(async () => {
    requested++;
    await new Promise((resolve) => setTimeout(resolve, 30));
    registry.good.add("Bearer t");
    return Response.json({ token: "t" });
  });
  await putImage(registry, LAYERS, ["latest"]);
  const client = fastLimitsClient();
  await Promise.all(Array.from({ length: 20 }, () => client.resolveManifest(registry.ref("web"), AMD64)));
  assert.equal(requested, 1);
});

Deno.test("a cancelled caller doesn't cancel the token request of others", async () => {
  await using registry = tokenRegistry(async () => {
    abort.abort();
    await new Promise((resolve) => setTimeout(resolve, 30));
    registry.good.add("Bearer t");
    return Response.json({ token: "t" });
  });
  await putImage(registry, LAYERS, ["latest"]);
  const client = fastLimitsClient();
  const abort = new AbortController();
  const leaving = client.resolveManifest(registry.ref("web"), AMD64, { signal: abort.signal });
  const staying = client.resolveManifest(registry.ref("web"), AMD64);
  await assert.rejects(leaving, (error: Error) => isTsdError(error, "cancelled"));
  assert.equal((await staying).layers.length, 1);
});

Deno.test("a password is sent to the realm, an identity token is posted to it", async () => {
  const received: string[] = [];
  await using registry = tokenRegistry(async (request) => {
    received.push(`${request.method} ${request.headers.get("authorization")} ${await request.text()}`);
    registry.good.add("Bearer t");
    return Response.json({ token: "t" });
  });
  await putImage(registry, LAYERS, ["latest"]);
  await fastLimitsClient({ credentials: credentials(PASSWORD) }).resolveManifest(registry.ref("web"), AMD64);
  assert.deepEqual(received, [`GET ${BASIC} `]);
  const identity = credentials({ kind: "identity_token", token: "secret&" });
  await fastLimitsClient({ credentials: identity }).resolveManifest(registry.ref("web"), AMD64);
  assert.match(received[1], /^POST null grant_type=refresh_token&refresh_token=secret%26&client_id=tsd&scope=/);
  registry.good.add("Bearer ready");
  const finished = credentials({ kind: "registry_token", token: "ready" });
  await fastLimitsClient({ credentials: finished }).resolveManifest(registry.ref("web"), AMD64);
  assert.equal(received.length, 2);
});

Deno.test("Basic authentication", async () => {
  await using registry = startRegistry((request, answer) =>
    request.headers.get("authorization") === BASIC
      ? answer()
      : new Response(null, { status: 401, headers: { "www-authenticate": `Basic realm="x"` } })
  );
  await putImage(registry, LAYERS, ["latest"]);
  await fastLimitsClient({ credentials: credentials(PASSWORD) }).resolveManifest(registry.ref("web"), AMD64);
  await assert.rejects(
    fastLimitsClient().resolveManifest(registry.ref("web"), AMD64),
    (error: Error) =>
      isTsdError(error, "registry_denied") && error.message.startsWith("pull access denied for 127.0.0.1:"),
  );
});

Deno.test("tokens are separate for each credential", async () => {
  const requested: string[] = [];
  await using registry = tokenRegistry((request) => {
    const token = request.headers.get("authorization") === BASIC ? "known" : "anyone";
    requested.push(token);
    registry.good.add(`Bearer ${token}`);
    return Response.json({ token });
  });
  const { layers } = await putImage(registry, LAYERS, ["latest"]);
  const client = fastLimitsClient();
  const ref = registry.ref("web");
  for (let round = 0; round < 2; round++) {
    await client.resolveManifest(ref, AMD64, { credential: PASSWORD });
    await client.resolveManifest(ref, AMD64);
  }
  const { stream } = await client.openBlob(ref, layers[0], { credential: PASSWORD });
  await stream.cancel();
  assert.deepEqual(requested, ["known", "anyone"]);
});

Deno.test("a login returns the registry's refresh token, if it issues one", async () => {
  const requested: string[] = [];
  let refresh: string | undefined = "again";
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname, search, host } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    if (pathname === "/v2/") {
      const challenge = `Bearer realm="http://${host}/token",service="s"`;
      return authorization === "Bearer t"
        ? new Response("{}")
        : new Response("", { status: 401, headers: { "www-authenticate": challenge } });
    }
    requested.push(search);
    return authorization === BASIC
      ? Response.json({ token: "t", refresh_token: refresh })
      : new Response("", { status: 401 });
  });
  const domain = `127.0.0.1:${server.addr.port}`;
  try {
    assert.equal(await fastLimitsClient().login(domain, PASSWORD), "again");
    assert.deepEqual(requested, ["?service=s&account=me&offline_token=true&client_id=tsd"]);
    refresh = undefined;
    assert.equal(await fastLimitsClient().login(domain, PASSWORD), undefined);
    await assert.rejects(
      fastLimitsClient().login(domain, { ...PASSWORD, password: "wrong" }),
      (error: Error) => isTsdError(error, "unauthorized") && !error.message.includes("wrong"),
    );
  } finally {
    await server.shutdown();
  }
});

Deno.test("a login with Basic, and one to a registry without authentication", async () => {
  let challenge: string | undefined = `Basic realm="x"`;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (challenge === undefined || request.headers.get("authorization") === BASIC) return new Response("{}");
    return new Response("", { status: 401, headers: { "www-authenticate": challenge } });
  });
  const domain = `127.0.0.1:${server.addr.port}`;
  try {
    assert.equal(await fastLimitsClient().login(domain, PASSWORD), undefined);
    await assert.rejects(fastLimitsClient().login(domain, { ...PASSWORD, password: "wrong" }), {
      message: `login attempt to http://${domain}/v2/ failed with status: 401 Unauthorized`,
    });
    challenge = undefined;
    assert.equal(await fastLimitsClient().login(domain, { ...PASSWORD, password: "wrong" }), undefined);
  } finally {
    await server.shutdown();
  }
});

Deno.test("rejections by the token service", async () => {
  let status = 401;
  await using registry = tokenRegistry(() => new Response("<html>", { status }));
  const resolve = (credential?: Credential) =>
    fastLimitsClient(credential === undefined ? {} : { credentials: credentials(credential) })
      .resolveManifest(registry.ref("web"), AMD64);
  const rejects = (work: Promise<unknown>, code: string, pattern: RegExp) =>
    assert.rejects(work, (error: Error) => {
      assert.ok(isTsdError(error) && error.code === code, String(error));
      assert.match(error.message, pattern);
      assert.ok(!error.message.includes("pässword"));
      return true;
    });
  await rejects(resolve(), "registry_denied", /pull access denied.*: unauthorized: authentication required$/);
  await rejects(resolve(PASSWORD), "unauthorized", /does not accept the user name or password/);
  status = 200;
  await rejects(resolve(), "registry_protocol", /it is not JSON/);
  status = 404;
  await rejects(resolve(), "registry_protocol", /answered 404/);
});

Deno.test("malicious realms are rejected", async () => {
  let realm = "";
  await using registry = startRegistry(() =>
    new Response(null, { status: 401, headers: { "www-authenticate": `Bearer realm="${realm}"` } })
  );
  for (const bad of ["http://169.254.169.254/latest", "file:///etc/passwd", "", "http://u:p@127.0.0.1/", "nonsense"]) {
    realm = bad;
    await assert.rejects(
      fastLimitsClient().resolveManifest(registry.ref("web"), AMD64),
      (error: Error) => isTsdError(error, "registry_protocol"),
      bad,
    );
  }
});

Deno.test("a redirect to another host drops the credentials, one to the same host keeps them", async () => {
  const bytes = new TextEncoder().encode("the blob");
  await using elsewhere = startRegistry(() => new Response(bytes));
  let location = "";
  await using registry = startRegistry((request, answer) => {
    if (request.headers.get("authorization") !== BASIC) {
      return new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } });
    }
    return request.url.endsWith("/moved") || location === ""
      ? answer()
      : new Response(null, { status: 307, headers: { location } });
  });
  const blob = await putBlob(registry, bytes, "application/x");
  registry.content.set("/moved", { bytes, mediaType: "" });
  const client = fastLimitsClient({ credentials: credentials(PASSWORD) });
  const read = async () => {
    const { stream } = await client.openBlob(registry.ref("web"), blob);
    return await collectBytes(stream, { maxBytes: 100, what: "blob" });
  };
  location = `http://${elsewhere.host}/signed?x=1`;
  assert.deepEqual(await read(), bytes);
  assert.equal(elsewhere.requests[0].headers.get("authorization"), null);
  location = "/moved";
  assert.deepEqual(await read(), bytes);
  assert.equal(registry.requests.at(-1)!.headers.get("authorization"), BASIC);
});

Deno.test("redirect loops and redirects to forbidden hosts fail", async () => {
  let location = "";
  await using registry = startRegistry(() => new Response(null, { status: 302, headers: { location } }));
  const rejects = async (pattern: RegExp) =>
    await assert.rejects(
      fastLimitsClient().resolveManifest(registry.ref("web"), AMD64),
      (error: Error) => isTsdError(error, "registry_protocol") && pattern.test(error.message),
    );
  location = `http://${registry.host}/loop`;
  await rejects(/redirects more than 10 times/);
  assert.equal(registry.requests.length, 11);
  location = "http://169.254.169.254/latest/meta-data?token=secret";
  await rejects(/^Refusing a redirect of registry .* to http:\/\/169\.254\.169\.254\/latest\/meta-data: .*link-local/);
  location = "http://[::ffff:169.254.169.254]/";
  await rejects(/link-local/);
  location = "file:///etc/passwd";
  await rejects(/it is not HTTP/);
  location = "http://";
  await rejects(/no usable address/);
});

Deno.test("classifies loopback and link-local hosts", () => {
  for (const host of ["localhost", "LOCALHOST:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000", "a.localhost"]) {
    assert.ok(isLoopbackHost(host), host);
  }
  for (const host of ["localhost.example", "128.0.0.1", "[::2]", "127.example.com", "registry"]) {
    assert.ok(!isLoopbackHost(host), host);
  }
  for (
    const host of ["169.254.169.254", "[fe80::1]:80", "metadata.google.internal.", "[fd00:ec2::254]", "[::ffff:a9fe:1]"]
  ) {
    assert.ok(isLinkLocalHost(host), host);
  }
  assert.ok(!isLinkLocalHost("169.255.0.1"));
  assert.equal(hostnameOf("[::1]:5000"), "[::1]");
  const https = new URL("https://registry.example/");
  const refused = (target: string, registry = https) =>
    assert.throws(
      () => checkTarget(new URL(target), "a redirect", registry),
      (error: Error) => isTsdError(error, "registry_protocol"),
    );
  refused("http://cdn.example/");
  refused("https://127.0.0.1/");
  refused("https://0.0.0.0/");
  refused("https://0xa9fea9fe/");
  refused("https://[::1]/");
  refused("ftp://cdn.example/");
  checkTarget(new URL("https://cdn.example/"), "a redirect", https);
  checkTarget(new URL("http://10.0.0.1/"), "a redirect", new URL("http://registry.lan/"));
});

Deno.test("parses challenges", () => {
  const parse = (header: string) =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(parse(`Bearer realm="https://a/t",service="r, s",scope="a:b:pull,push"`), [
    ["bearer", { realm: "https://a/t", service: "r, s", scope: "a:b:pull,push" }],
  ]);
  assert.deepEqual(parse(`Basic realm=x, BEARER Realm = "a\\"b" , error=e`), [
    ["basic", { realm: "x" }],
    ["bearer", { realm: 'a"b', error: "e" }],
  ]);
  assert.deepEqual(parse("Negotiate"), [["negotiate", {}]]);
  assert.deepEqual(parse(""), []);
  assert.deepEqual(parse(`Bearer realm="unfinished`), [["bearer", {}]]);
  assert.ok(parse(`"`.repeat(100_000)).length === 0);
});
