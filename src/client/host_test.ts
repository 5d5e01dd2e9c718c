import { strict as assert } from "node:assert";
import { chooseHost, DEFAULT_SOCKET, hostHeader, parseHost } from "./host.ts";

Deno.test("host: -H, then TSD_HOST, then DOCKER_HOST, then the default", () => {
  const env = (vars: Record<string, string>) => (name: string) => vars[name];
  const both = env({ TSD_HOST: "unix:///t", DOCKER_HOST: "unix:///d" });
  assert.equal(chooseHost({ flag: "unix:///f", env: both }).text, "unix:///f");
  assert.equal(chooseHost({ env: both }).text, "unix:///t");
  assert.equal(chooseHost({ env: env({ TSD_HOST: "", DOCKER_HOST: "unix:///d" }) }).text, "unix:///d");
  const fallback = chooseHost({ env: env({}) });
  assert.deepEqual([fallback.text, fallback.isDefault], [`unix://${DEFAULT_SOCKET}`, true]);
});

Deno.test("host: addresses", () => {
  assert.deepEqual(parseHost("tcp://[::1]:2375"), {
    kind: "tcp",
    hostname: "::1",
    port: 2375,
    text: "tcp://[::1]:2375",
    isDefault: false,
  });
  assert.equal(parseHost("/run/x.sock").text, "unix:///run/x.sock");
  assert.throws(() => parseHost("tcp://10.0.0.1:2375"), /TCP without TLS is refused/);
  assert.throws(() => parseHost("tcp://127.0.0.1.evil.example:1"), /TCP without TLS is refused/);
  for (const bad of ["ssh://host", "unix://relative", "tcp://localhost", "tcp://localhost:99999", "nonsense"]) {
    assert.throws(() => parseHost(bad), /Bad engine address/);
  }
});

Deno.test("host: the header is the address of an engine on TCP", () => {
  const headers = ["unix:///a.sock", "tcp://127.0.0.1:2375", "tcp://[::1]:2375"].map((text) =>
    hostHeader(parseHost(text))
  );
  assert.deepEqual(headers, [undefined, "127.0.0.1:2375", "[::1]:2375"]);
});
