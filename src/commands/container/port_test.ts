import { strict as assert } from "node:assert";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { callTsd } from "../session_testing.ts";

const at = (HostIp: string, HostPort: string) => ({ HostIp, HostPort });
const PORTS = {
  "80/tcp": [at("0.0.0.0", "8080"), at("::", "8080")],
  "9/udp": [at("127.0.0.1", "10009")],
  "443/tcp": null,
};
const engine = () => new FakeEngine(() => ({ json: { NetworkSettings: { Ports: PORTS } } }));

Deno.test("port: prints all ports in natural order, or one port", async () => {
  assert.deepEqual(await callTsd(engine(), ["port", "web"]), {
    code: 0,
    out: "9/udp -> 127.0.0.1:10009\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n",
    err: "",
  });
  assert.equal((await callTsd(engine(), ["container", "port", "web", "80"])).out, "0.0.0.0:8080\n[::]:8080\n");
  assert.equal((await callTsd(engine(), ["port", "web", "9/udp"])).out, "127.0.0.1:10009\n");
});

Deno.test("port: unpublished and invalid ports give Docker's errors", async () => {
  const none = new FakeEngine(() => ({ json: { NetworkSettings: { Ports: {} } } }));
  assert.deepEqual(await callTsd(none, ["port", "web"]), { code: 0, out: "", err: "" });
  const cases: readonly (readonly [string, string])[] = [
    ["443", "Error: No public port '443' published for web\n"],
    ["9", "Error: No public port '9' published for web\n"],
    ["80/sctp", "Error: No public port '80/sctp' published for web\n"],
    ["http", 'Error: invalid port (http): strconv.ParseUint: parsing "http": invalid syntax\n'],
    ["70000", 'Error: invalid port (70000): strconv.ParseUint: parsing "70000": value out of range\n'],
  ];
  for (const [port, err] of cases) {
    assert.deepEqual(await callTsd(engine(), ["port", "web", port]), { code: 1, out: "", err });
  }
});
