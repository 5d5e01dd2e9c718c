import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { DEFAULT_CONFIG, parseEngineConfig, readEngineConfig } from "./engine_config.ts";
import { maskedProxy, proxiesOf, proxyEnvironment } from "./proxies.ts";

const parse = (value: unknown) =>
  parseEngineConfig(typeof value === "string" ? value : JSON.stringify(value), "/etc/tsd/config.json");

Deno.test("every field has its effect", () => {
  assert.deepEqual(
    parse({
      "registry-mirrors": ["https://mirror.lan"],
      "mirrors": { "docker.io": ["http://second.lan:5000/"], "ghcr.io": ["https://mirror.lan:5001"] },
      "insecure-registries": ["registry.lan:5000", "10.0.0.0/8", "fd00::/8", "[fd00::1]:5000"],
      "registries": { "registry.lan": { ca: "/ca.pem", cert: "/c.pem", key: "/k.pem" } },
      "proxies": { "http-proxy": "http://u:p@proxy:1", "https-proxy": "http://proxy:2", "no-proxy": ".lan" },
      "max-concurrent-downloads": 2,
      "max-download-attempts": 7,
      "storage-driver": "overlay2",
      "hash": { "engine": "native" },
      "runtimes": { crun: { path: "/usr/bin/crun" }, other: { path: "youki", runtimeArgs: ["--debug"] } },
      "default-runtime": "crun",
      "default-bind": "127.0.0.1",
      "hooksDirs": ["/opt/hooks.d"],
      "plugins": {
        webhook: { url: "http://127.0.0.1:9/x", hooks: ["container.started"] },
        metrics: { address: "[::1]:9323" },
        mine: { any: ["thing"] },
      },
    }),
    {
      registries: {
        insecureRegistries: ["registry.lan:5000", "10.0.0.0/8", "fd00::/8", "[fd00::1]:5000"],
        mirrors: {
          "docker.io": ["https://mirror.lan/", "http://second.lan:5000/"],
          "ghcr.io": ["https://mirror.lan:5001/"],
        },
        certificates: { "registry.lan": { ca: "/ca.pem", cert: "/c.pem", key: "/k.pem" } },
        certificateDirs: ["/etc/tsd/certs.d", "/etc/docker/certs.d"],
        limits: { attempts: 7 },
      },
      proxies: { http: "http://u:p@proxy:1", https: "http://proxy:2", none: ".lan" },
      maxDownloads: 2,
      storageDriver: "overlay2",
      hashEngine: "native",
      runtimes: {
        crun: { program: "/usr/bin/crun", args: [] },
        other: { program: "youki", args: ["--debug"] },
      },
      defaultRuntime: "crun",
      defaultBind: "127.0.0.1",
      hookDirs: ["/opt/hooks.d"],
      plugins: {
        webhook: { url: "http://127.0.0.1:9/x", hooks: ["container.started"] },
        metrics: { address: { hostname: "::1", port: 9323 } },
        others: { mine: { any: ["thing"] } },
      },
    },
  );
  assert.equal(parse({ "default-bind": "0.0.0.0" }).defaultBind, "");
  assert.deepEqual(parse({}).registries, DEFAULT_CONFIG.registries);
});

Deno.test("a mistake is one line with the file, the field and what is wrong", () => {
  const rows: readonly (readonly [given: unknown, message: RegExp])[] = [
    ["{\n\n secret", /it is not JSON$/],
    ["", /it is not JSON$/],
    ["[]", /it is no object$/],
    [{ "insecure-registry": [] }, /insecure-registry: unknown field \(known are registry-mirrors, /],
    [{ "insecure-registries": "a" }, /insecure-registries: it is no list$/],
    [{ "insecure-registries": ["a", "http://b"] }, /insecure-registries\[1\]: "http:\/\/b" is no host/],
    [{ "insecure-registries": ["10.0.0.0/33"] }, /insecure-registries\[0\]: "10.0.0.0\/33" is no host/],
    [{ "registry-mirrors": ["mirror.lan"] }, /registry-mirrors\[0\]: "mirror.lan" is no http:\/\/ or https:\/\/ URL$/],
    [{ "registry-mirrors": ["https://m/path"] }, /registry-mirrors\[0\]: "https:\/\/m\/path" must be scheme and host/],
    [{ "default-bind": "localhost" }, /default-bind: "localhost" is no address$/],
    [{ hooksDirs: ["hooks.d"] }, /hooksDirs\[0\]: "hooks\.d" is no absolute path$/],
    [{ plugins: { "../x": {} } }, /"\.\.\/x" is no plugin's name$/],
    [{ plugins: { webhook: { url: "x" } } }, /plugins\.webhook: url is no http:\/\/ or https:\/\/ URL$/],
    [{ plugins: { webhook: { url: "http://x", hooks: ["no"] } } }, /plugins\.webhook: hooks\[0\] is none of image\./],
    [{ plugins: { metrics: { address: "0.0.0.0:1" } } }, /plugins\.metrics: address is "0\.0\.0\.0:1", which is no/],
    [{ mirrors: { "": ["https://m"] } }, /"" is no host/],
    [{ mirrors: { "a/b": [] } }, /mirrors\.a\/b: "a\/b" is no host/],
    [{ registries: { "r.lan": { ca: "ca.pem" } } }, /registries\.r\.lan\.ca: "ca\.pem" is no absolute path$/],
    [{ registries: { "r.lan": { cert: "/c" } } }, /registries\.r\.lan: "cert" and "key" go together$/],
    [{ proxies: { "http-proxy": "secret" } }, /proxies\.http-proxy: it is no http:, https: or socks5: URL$/],
    [{ "max-concurrent-downloads": 0 }, /max-concurrent-downloads: it is no whole number from 1 to 1000$/],
    [{ hash: { engine: "md5" } }, /hash\.engine: it must be one of wasm, hash-wasm, native$/],
    [{ runtimes: { runc: { path: "/x" } } }, /runtimes: runtime name 'runc' is reserved$/],
    [{ runtimes: { a: {} } }, /runtimes\.a: a path must be configured$/],
    [{ runtimes: { a: { path: "bin/a" } } }, /runtimes\.a\.path: "bin\/a" is no absolute path$/],
    [{ runtimes: { "../a": { path: "/a" } } }, /"\.\.\/a" is no name$/],
    [{ "default-runtime": "a" }, /default-runtime: specified default runtime 'a' does not exist$/],
    [{ "max-download-attempts": "5" }, /max-download-attempts: it is no whole number/],
  ];
  for (const [given, message] of rows) {
    assert.throws(() => parse(given), (error: Error) => {
      assert.ok(isTsdError(error, "invalid_argument"), String(error));
      assert.match(error.message, /^Cannot use configuration file \/etc\/tsd\/config\.json: [^\n]+$/);
      assert.match(error.message, message);
      return !error.message.includes("secret");
    });
  }
});

Deno.test("the default file is optional, a specified one is not", async () => {
  await assert.rejects(readEngineConfig("/nowhere/config.json"), {
    message: "Cannot use configuration file /nowhere/config.json: no such file",
  });
});

Deno.test("proxies: the file takes precedence over the environment; loopback bypasses the proxy", () => {
  const env = (name: string) => ({ http_proxy: "http://env:1", HTTPS_PROXY: "http://env:2" })[name];
  assert.deepEqual(proxiesOf({}, env), { http: "http://env:1", https: "http://env:2", none: "" });
  const proxies = proxiesOf({ http: "http://u:p@file:1", https: "", none: ".lan, localhost" }, env);
  const none = ".lan,localhost,127.0.0.0/8,::1";
  assert.deepEqual(proxyEnvironment(proxies), {
    ...{ HTTP_PROXY: "http://u:p@file:1", http_proxy: "http://u:p@file:1", HTTPS_PROXY: "", https_proxy: "" },
    ...{ NO_PROXY: none, no_proxy: none },
  });
  assert.deepEqual(proxyEnvironment({ http: "", https: "", none: "x" }), {});
  assert.equal(maskedProxy("http://u:p@file:1"), "http://xxxxx:xxxxx@file:1");
  assert.equal(maskedProxy("http://file:1"), "http://file:1");
});
