/** The engine's configuration file: mirrors, insecure registries, certificates, proxies, limits; and mistakes in it. */
import { strict as assert } from "node:assert";
import { type Engine, executable, runCommand, startEngine, untilNone } from "../harness/mod.ts";
import { busyboxBuilder, file } from "../images/mod.ts";
import { freePort, type ScriptedRegistry, selfSignedCertificate, startScriptedRegistry } from "../registry/mod.ts";
import { requires } from "../requires.ts";
import { pulled } from "./setup.ts";

let images = 0;
const ownImage = () => busyboxBuilder().layer([file("own", `${images++}`)]).build();

/** Starts an engine with this configuration. */
async function configured(
  dir: string,
  config: unknown,
  env: Readonly<Record<string, string>> = {},
): Promise<Engine> {
  const path = `${dir}/config-${images}.json`;
  await Deno.writeTextFile(path, JSON.stringify(config));
  return await startEngine({ args: ["--config", path], env });
}

/** A mirror of Docker Hub and one of an unreachable registry. */
async function testMirrors(dir: string): Promise<void> {
  await using mirror = startScriptedRegistry();
  const image = await ownImage();
  mirror.add("library/mirrored", "latest", image);
  mirror.add("team/app", "1", image);
  const config = {
    "registry-mirrors": [mirror.url],
    "mirrors": { "registry.invalid": [`http://127.0.0.1:${freePort()}`, mirror.url] },
    "max-concurrent-downloads": 1,
  };
  await using engine = await configured(dir, config);
  assert.match(await pulled(engine, ["mirrored"]), /Downloaded newer image for mirrored:latest/);
  assert.match(await pulled(engine, ["registry.invalid/team/app:1"]), /registry\.invalid\/team\/app:1\n$/);
  assert.equal((await engine.tsd(["run", "--rm", "--network", "none", "mirrored", "true"])).code, 0);
  const { RegistryConfig } = (await engine.api.get("/info")).json<{ RegistryConfig: Record<string, unknown> }>();
  assert.deepEqual(RegistryConfig.Mirrors, [`${mirror.url}/`]);
  const docker = await engine.docker(["info", "--format", "{{.RegistryConfig.Mirrors}}"]);
  assert.equal(docker.stdout, `[${mirror.url}/]\n`);
  const { stdout } = await engine.tsd(["info"]);
  assert.ok(stdout.includes(` Registry Mirrors:\n  ${mirror.url}/\n`), stdout);
  const lost = await engine.tsd(["pull", "registry.invalid/team/other:1"]);
  assert.deepEqual([lost.code, lost.stderr.split("\n").length], [1, 2]);
}

/** A registry with a self-signed certificate, trusted because it is in the directory of its host. */
async function testCertificates(dir: string): Promise<void> {
  const tls = await selfSignedCertificate();
  await using registry = startScriptedRegistry({ tls });
  const reference = registry.add("team/app", "1", await ownImage());
  await Deno.writeTextFile(`${dir}/ca.pem`, tls.cert);
  await using engine = await configured(dir, { registries: { [registry.host]: { ca: `${dir}/ca.pem` } } });
  await pulled(engine, ["-q", reference]);
  await using careless = await configured(dir, { registries: { [registry.host]: { ca: `${dir}/none.pem` } } });
  const refused = await careless.tsd(["pull", reference]);
  assert.equal(
    refused.stderr,
    `tsd: Cannot use the certificates of registry ${registry.host}: ${dir}/none.pem: no such file\n`,
  );
}

/** A registry on a port that browsers block. */
async function testOddPort(): Promise<void> {
  await using registry = startScriptedRegistry();
  const reference = registry.add("team/app", "1", await ownImage());
  await using forward = forwardFrom([6000, 10080, 6666], registry);
  await using engine = await startEngine();
  await pulled(engine, ["-q", reference.replace(registry.host, forward.host)]);
}

/** Forwards connections from a port. */
function forwardFrom(ports: readonly number[], to: ScriptedRegistry): AsyncDisposable & { readonly host: string } {
  const listener = firstFree(ports);
  const port = Number(to.host.split(":")[1]);
  const running: Promise<unknown>[] = [];
  const accept = async () => {
    for await (const one of listener) {
      const other = await Deno.connect({ hostname: "127.0.0.1", port });
      running.push(Promise.allSettled([one.readable.pipeTo(other.writable), other.readable.pipeTo(one.writable)]));
    }
  };
  running.push(accept());
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await Promise.all(running);
    },
  };
}

function firstFree(ports: readonly number[]): Deno.TcpListener {
  for (const port of ports) {
    try {
      return Deno.listen({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`All of ${ports} are in use`);
}

/** A registry that is reachable through a proxy only; loopback does not use it. */
async function testProxy(dir: string): Promise<void> {
  await using registry = startScriptedRegistry();
  const image = await ownImage();
  const direct = registry.add("team/app", "1", image);
  const requested: string[] = [];
  const proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    requested.push(new URL(request.url).host);
    return new Response("", { status: 403 });
  });
  try {
    const url = `http://u:secret@127.0.0.1:${proxy.addr.port}`;
    const config = { "proxies": { "http-proxy": url }, "insecure-registries": ["registry.invalid"] };
    await using engine = await configured(dir, config, { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "x.lan" });
    assert.equal((await engine.tsd(["pull", "registry.invalid/team/app:1"])).code, 1);
    assert.ok(requested.includes("registry.invalid"), JSON.stringify(requested));
    await pulled(engine, ["-q", direct]);
    const info = (await engine.api.get("/info")).json<Record<string, string>>();
    assert.equal(info.HttpProxy, `http://xxxxx:xxxxx@127.0.0.1:${proxy.addr.port}`);
    assert.deepEqual([info.HttpsProxy, info.NoProxy], ["http://127.0.0.1:1", "x.lan"]);
    assert.ok(
      (await engine.tsd(["info"])).stdout.includes(" Insecure Registries:\n  registry.invalid\n  127.0.0.0/8\n"),
    );
    assert.doesNotMatch(await engine.log(), /secret/);
  } finally {
    await proxy.shutdown();
  }
}

/** HTTPS through a proxy, with a certificate in the machine's trust store. */
async function testTunnel(dir: string): Promise<void> {
  const tls = await selfSignedCertificate("registry.invalid");
  await using registry = startScriptedRegistry({ tls });
  registry.add("team/app", "1", await ownImage());
  await Deno.writeTextFile(`${dir}/store.pem`, tls.cert);
  await using proxy = tunnelTo(registry);
  const config = { "proxies": { "https-proxy": `http://${proxy.host}` } };
  await using engine = await configured(dir, config, { SSL_CERT_FILE: `${dir}/store.pem` });
  await pulled(engine, ["-q", "registry.invalid/team/app:1"]);
  assert.deepEqual([...new Set(proxy.requested)], ["CONNECT registry.invalid:443 HTTP/1.1"]);
  await using doubtful = await configured(dir, config);
  const refused = await doubtful.tsd(["pull", "-q", "registry.invalid/team/app:1"]);
  assert.deepEqual([refused.code, refused.stderr.split("\n").length], [1, 2]);
  assert.match(refused.stderr, /^tsd: Cannot reach registry registry\.invalid: invalid peer certificate: /);
}

/** A proxy that connects to one registry, whatever the requested host. */
function tunnelTo(
  { host }: ScriptedRegistry,
): AsyncDisposable & { readonly host: string; readonly requested: string[] } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requested: string[] = [];
  const running: Promise<unknown>[] = [];
  const serve = async (client: Deno.TcpConn) => {
    const head = new Uint8Array(4096);
    const length = await client.read(head) ?? 0;
    requested.push(new TextDecoder().decode(head.subarray(0, length)).split("\r\n", 1)[0]!);
    const registry = await Deno.connect({ hostname: "127.0.0.1", port: Number(host.split(":")[1]) });
    await client.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    await Promise.allSettled([
      client.readable.pipeTo(registry.writable),
      registry.readable.pipeTo(client.writable),
    ]);
  };
  const accept = async () => {
    for await (const client of listener) running.push(serve(client));
  };
  running.push(accept());
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    requested,
    async [Symbol.asyncDispose]() {
      listener.close();
      await Promise.all(running);
    },
  };
}

/** An engine does not start with a mistake, and keeps running when a reload finds one. */
async function testMistakes(dir: string): Promise<void> {
  const path = `${dir}/wrong.json`;
  await Deno.writeTextFile(path, '{"insecure-registries": ["http://x"]}');
  const args = ["daemon", "--data-root", `${dir}/data`, "-H", `unix://${dir}/sock`, "--config", path];
  assert.deepEqual(await runCommand(executable(), args), {
    code: 1,
    stdout: "",
    stderr:
      `tsd: Cannot use configuration file ${path}: insecure-registries[0]: "http://x" is no host (HOST or HOST:PORT)\n`,
  });
  await using engine = await configured(dir, {});
  const { pid } = engine;
  await Deno.writeTextFile(`${dir}/config-${images}.json`, "{");
  Deno.kill(pid, "SIGHUP");
  await untilNone(async () => {
    const log = await engine.log();
    return log.includes("not reloading") ? [] : [log];
  });
  assert.match(await engine.log(), /not reloading.*config-\d+\.json: it is not JSON/);
  assert.equal((await engine.api.get("/_ping")).status, 200);
}

Deno.test({
  name: "the engine's configuration",
  ...requires("root", "runc", "overlay", "docker"),
  fn: async (test) => {
    const dir = await Deno.makeTempDir({ prefix: "tsd-config-" });
    try {
      await test.step("mirrors", () => testMirrors(dir));
      await test.step("certificates", () => testCertificates(dir));
      await test.step("a port that browsers block", () => testOddPort());
      await test.step("proxies", () => testProxy(dir));
      await test.step("HTTPS through a proxy", () => testTunnel(dir));
      await test.step("mistakes", () => testMistakes(dir));
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
