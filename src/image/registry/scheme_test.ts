import { strict as assert } from "node:assert";
import { collectBytes } from "../../io/mod.ts";
import { isTsdError } from "../../errors.ts";
import { FAST_LIMITS, fastLimitsClient, putBlob, startRegistry, truncatedResponse } from "./registry_testing.ts";
import { Endpoints } from "./scheme.ts";
import { NO_SETTINGS } from "./settings.ts";
import { parseReference } from "../reference.ts";

/** A self-signed certificate for localhost and its key, for these tests only. */
const CERTIFICATE = `\
-----BEGIN CERTIFICATE-----
MIIBmDCCAT6gAwIBAgIUdYYYj0WviqfKN95Z4gYK94YRywswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDAwMDQwNloYDzIxMjYxMDMx
MDAwNDA2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATjoT1NREeLfolWJ7qUPKT2Kyrq5ofzCyVQzFz4zk4Qt0BZRwtVDBjP
z5twNZ+sl7h7QS23SGkKeano8aAbpS6Fo2wwajAdBgNVHQ4EFgQU+ViIOxg63IGA
CP2pV6/qYPzR7HkwHwYDVR0jBBgwFoAU+ViIOxg63IGACP2pV6/qYPzR7HkwGgYD
VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0E
AwIDSAAwRQIgMoNxcxeEI2TbV+ITCeigST1L4FhObY4sOIFAZB6OGgICIQCTTk3e
vRgY0b2hvGzVtN5HOXG5xmhifNjCcxmRKQPJmQ==
-----END CERTIFICATE-----
`;
const KEY = `\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfsQD9K++QuS4A3GI
IkGI9goUyuuK4fhPktI60TIYIx2hRANCAATjoT1NREeLfolWJ7qUPKT2Kyrq5ofz
CyVQzFz4zk4Qt0BZRwtVDBjPz5twNZ+sl7h7QS23SGkKeano8aAbpS6F
-----END PRIVATE KEY-----
`;

function startTls(handler: (request: Request) => Response) {
  const options = { hostname: "127.0.0.1", port: 0, cert: CERTIFICATE, key: KEY, onListen() {} };
  const server = Deno.serve(options, handler);
  return { host: `127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

const BLOB = new Uint8Array(500_000).map((_, i) => i >> 2);

Deno.test("a loopback registry may have any certificate; streaming, redirects and resuming work too", async () => {
  let cuts = 0;
  await using server = startTls((request) => {
    const { pathname } = new URL(request.url);
    if (pathname !== "/data") return new Response(null, { status: 302, headers: { location: "/data" } });
    const from = Number(/\d+/.exec(request.headers.get("range") ?? "")?.[0] ?? 0);
    if (cuts++ === 0) return truncatedResponse(BLOB.slice(0, 200_000), BLOB.length);
    const headers = { "content-range": `bytes ${from}-${BLOB.length - 1}/${BLOB.length}` };
    return new Response(BLOB.slice(from), { status: 206, headers });
  });
  await using store = startRegistry();
  const blob = await putBlob(store, BLOB, "application/x");
  const { stream } = await fastLimitsClient().openBlob(parseReference(`${server.host}/web`), blob);
  assert.deepEqual(await collectBytes(stream, { maxBytes: 1 << 20, what: "blob" }), BLOB);
});

Deno.test("cancelling a download from a registry with an unverified certificate", async () => {
  await using server = startTls(() => new Response(new ReadableStream({ pull: (c) => c.enqueue(BLOB) })));
  await using store = startRegistry();
  const blob = { ...await putBlob(store, BLOB, "application/x"), sizeBytes: 2 ** 40 };
  const abort = new AbortController();
  const ref = parseReference(`${server.host}/web`);
  const { stream } = await fastLimitsClient().openBlob(ref, blob, { signal: abort.signal });
  const reader = stream.getReader();
  await reader.read();
  abort.abort();
  await assert.rejects(reader.read(), (error: Error) => isTsdError(error, "cancelled"));
});

Deno.test("chooses the scheme", async () => {
  await using plain = startRegistry();
  const endpoints = new Endpoints(NO_SETTINGS, FAST_LIMITS.responseMs!);
  const { base } = await endpoints.of(plain.host);
  assert.equal(base.href, `http://${plain.host}/`);
  assert.equal(await endpoints.of(plain.host), await endpoints.of(plain.host));
  // Other hosts get HTTPS without a probe.
  assert.equal((await endpoints.of("registry.invalid:5000")).base.href, "https://registry.invalid:5000/");
  const insecure = new Endpoints({ ...NO_SETTINGS, insecureRegistries: ["Registry.invalid"] }, FAST_LIMITS.responseMs!);
  await assert.rejects(
    insecure.of("registry.invalid:5000"),
    (error: Error) => isTsdError(error, "registry_unreachable"),
  );
});

Deno.test("failed probes are repeated", async () => {
  const removed = startRegistry();
  await removed[Symbol.asyncDispose]();
  const endpoints = new Endpoints(NO_SETTINGS, FAST_LIMITS.responseMs!);
  await assert.rejects(endpoints.of(removed.host), (error: Error) => isTsdError(error, "registry_unreachable"));
  const port = Number(removed.host.split(":")[1]);
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, () => new Response("{}"));
  assert.equal((await endpoints.of(removed.host)).base.protocol, "http:");
  await server.shutdown();
});

Deno.test("a server that waits for more data after a TLS handshake is tried with plain HTTP", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      const head = new Uint8Array(1);
      await connection.read(head);
      if (head[0] !== "G".charCodeAt(0)) continue; // Not GET: never answered.
      await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    }
  })();
  const host = `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const startedMs = performance.now();
  assert.equal((await new Endpoints(NO_SETTINGS, 10_000).of(host)).base.protocol, "http:");
  assert.ok(performance.now() - startedMs < 5000);
  listener.close();
  await serving;
  for (const connection of connections) connection.close();
});
