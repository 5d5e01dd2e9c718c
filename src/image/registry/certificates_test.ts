import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { selfSignedCertificate } from "../../../tests/registry/certificate.ts";
import { readCertificates } from "./certificates.ts";
import { Endpoints } from "./scheme.ts";
import { type HttpSend, nodeSend, sendWithin, verifiedSend } from "./send.ts";
import { NO_SETTINGS } from "./settings.ts";

const HOST = "registry.lan:5000";

async function dirWith(files: Readonly<Record<string, string>>) {
  const dir = await Deno.makeTempDir({ prefix: "tsd-certs-" });
  await Deno.mkdir(`${dir}/${HOST}`);
  for (const [name, content] of Object.entries(files)) await Deno.writeTextFile(`${dir}/${HOST}/${name}`, content);
  return {
    dir,
    read: () => readCertificates(HOST, { certificates: {}, certificateDirs: [dir, `${dir}/none`] }),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

const pem = (text: string) => `-----BEGIN ${text}-----`;

Deno.test("reads a host's directory in Docker's format", async () => {
  const files = { "b.crt": pem("b"), "a.crt": pem("a"), "client.cert": pem("cert"), "client.key": pem("key") };
  await using it = await dirWith({ ...files, "README": "no certificate" });
  assert.deepEqual(await it.read(), { authorities: [pem("a"), pem("b")], cert: pem("cert"), key: pem("key") });
  assert.equal(await readCertificates("other.lan", { certificates: {}, certificateDirs: [it.dir] }), undefined);
  const named = { [HOST]: { ca: `${it.dir}/${HOST}/b.crt` } };
  const both = await readCertificates(HOST, { certificates: named, certificateDirs: [] });
  assert.deepEqual(both, { authorities: [pem("b")] });
});

Deno.test("an unusable file gives a one-line error", async () => {
  const rows: readonly (readonly [files: Record<string, string>, says: RegExp])[] = [
    [{ "client.cert": pem("x") }, /missing key client\.key for client certificate client\.cert \(CA certificates must/],
    [{ "client.key": pem("x") }, /missing client certificate client\.cert for key client\.key$/],
    [{ "ca.crt": "secret" }, /ca\.crt: it is not a PEM file$/],
  ];
  for (const [files, says] of rows) {
    await using it = await dirWith(files);
    await assert.rejects(it.read(), (error: Error) => {
      assert.match(error.message, /^Cannot use the certificates of registry registry\.lan:5000: [^\n]+$/);
      assert.match(error.message, says);
      return isTsdError(error, "registry_unreachable") && error.detail?.connected === false;
    });
  }
  const missing = { certificates: { [HOST]: { ca: "/nowhere/ca.pem" } }, certificateDirs: [] };
  await assert.rejects(readCertificates(HOST, missing), {
    message: `Cannot use the certificates of registry ${HOST}: /nowhere/ca.pem: no such file`,
  });
});

Deno.test("a registry's own CA is trusted for that registry only, and its certificate is verified", async () => {
  const [trusted, other] = [await selfSignedCertificate(), await selfSignedCertificate()];
  const serve = (hostname: string, port: number) =>
    Deno.serve({ hostname, port, ...trusted, onListen() {} }, () => new Response("hello"));
  const server = serve("127.0.0.1", 0);
  // An address that the certificate is not valid for.
  const otherServer = serve("127.0.0.3", server.addr.port);
  const ask = async (send: HttpSend, host = "127.0.0.1") => {
    const url = new URL(`https://${host}:${server.addr.port}/`);
    return await (await sendWithin(send, { url, headers: {} }, 10_000)).text();
  };
  const refused = (send: HttpSend, host?: string) =>
    assert.rejects(ask(send, host), (error: Error) => {
      assert.ok(isTsdError(error, "registry_unreachable"), String(error));
      assert.doesNotMatch(error.message, /\n/);
      assert.equal(error.detail?.untrusted, true, error.message);
      return true;
    });
  try {
    assert.equal(await ask(nodeSend({ authorities: [trusted.cert] })), "hello");
    await refused(nodeSend({ authorities: [other.cert] }));
    await refused(nodeSend());
    await refused(verifiedSend);
    await refused(nodeSend({ authorities: [trusted.cert] }), "127.0.0.3");
    assert.equal(await ask(nodeSend({ unverified: true }), "127.0.0.1"), "hello");
    await using it = await dirWith({});
    const host = `127.0.0.1:${server.addr.port}`;
    await Deno.mkdir(`${it.dir}/${host}`);
    await Deno.writeTextFile(`${it.dir}/${host}/ca.crt`, trusted.cert);
    const endpoint = await new Endpoints({ ...NO_SETTINGS, certificateDirs: [it.dir] }, 10_000).of(host);
    assert.equal(await ask(endpoint.send), "hello");
    await refused(endpoint.send, "127.0.0.3");
    // A loopback registry may have any certificate, even if another CA is configured.
    await Deno.writeTextFile(`${it.dir}/${host}/ca.crt`, other.cert);
    const insecure = await new Endpoints({ ...NO_SETTINGS, certificateDirs: [it.dir] }, 10_000).of(host);
    assert.deepEqual([insecure.base.protocol, await ask(insecure.send)], ["https:", "hello"]);
  } finally {
    await Promise.all([server.shutdown(), otherServer.shutdown()]);
  }
});

Deno.test("a registry that requires a client certificate", async () => {
  const [server, client] = [await selfSignedCertificate(), await selfSignedCertificate()];
  await using it = await dirWith({ "ca.crt": server.cert, "me.cert": client.cert, "me.key": client.key });
  await Deno.writeTextFile(`${it.dir}/server.key`, server.key);
  const { port } = new URL(`http://${freeAddress()}/`);
  const dir = `${it.dir}/${HOST}`;
  const files = ["-cert", `${dir}/ca.crt`, "-key", `${it.dir}/server.key`, "-CAfile", `${dir}/me.cert`];
  const child = new Deno.Command("openssl", {
    args: ["s_server", "-accept", `127.0.0.1:${port}`, ...files, "-Verify", "1", "-verify_return_error", "-www"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const tls = await it.read();
    const request = { url: new URL(`https://127.0.0.1:${port}/`), headers: {} };
    const response = await untilServed(() => sendWithin(nodeSend(tls), request, 10_000));
    assert.equal(response.status, 200);
    await response.text();
    await assert.rejects(
      sendWithin(nodeSend({ authorities: tls!.authorities }), request, 10_000),
      (error: Error) => isTsdError(error, "registry_unreachable") && error.detail?.connected === true,
    );
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

function freeAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

/** Retries while a process that was just started is not listening yet. */
async function untilServed(ask: () => Promise<Response>): Promise<Response> {
  const deadlineMs = performance.now() + 20_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isEarly = isTsdError(error) && error.detail?.connected === false && performance.now() < deadlineMs;
      if (!isEarly) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

Deno.test("a port that browsers block", async () => {
  const server = serveAtFirst([6000, 10080, 6666, 2049, 5061]);
  try {
    const endpoints = new Endpoints(NO_SETTINGS, 10_000);
    const { base, send } = await endpoints.of(`127.0.0.1:${server.addr.port}`);
    assert.equal(base.protocol, "http:");
    assert.equal(await (await sendWithin(send, { url: base, headers: {} }, 10_000)).text(), "hello");
  } finally {
    await server.shutdown();
  }
  await assert.rejects(new Endpoints(NO_SETTINGS, 10_000).of("127.0.0.1:1"), (error: Error) => {
    assert.equal(error.message, "Cannot reach registry 127.0.0.1:1: connection refused");
    return isTsdError(error, "registry_unreachable") && error.detail?.connected === false;
  });
});

function serveAtFirst(ports: readonly number[]): Deno.HttpServer<Deno.NetAddr> {
  for (const port of ports) {
    try {
      return Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, () => new Response("hello"));
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.AddrInUse)) throw thrown;
    }
  }
  throw new Error(`All of ${ports} are in use`);
}
