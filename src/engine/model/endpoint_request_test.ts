import { strict as assert } from "node:assert";
import { parseConnectRequest, parseDisconnectRequest } from "./endpoint_request.ts";

Deno.test("an endpoint has the fields that are not empty", () => {
  const requested = (EndpointConfig: unknown) => parseConnectRequest({ Container: "web", EndpointConfig }).requested;
  const given = {
    IPAMConfig: { IPv4Address: "10.0.0.9", IPv6Address: "FD00:0::9" },
    MacAddress: "02-42-AC-11-00-02",
    Aliases: ["db"],
  };
  assert.deepEqual(requested({ ...given, GwPriority: 5 }), {
    ...{ address: "10.0.0.9", six: "fd00::9", mac: "02:42:ac:11:00:02", aliases: ["db"], priority: 5 },
  });
  for (const nothing of [undefined, null, {}, { IPAMConfig: null, Aliases: null, MacAddress: "" }]) {
    assert.deepEqual(requested(nothing), {});
  }
});

Deno.test("fields of the wrong type are refused with their names", () => {
  const requested = (EndpointConfig: unknown) => parseConnectRequest({ Container: "web", EndpointConfig }).requested;
  const cases: [() => unknown, RegExp][] = [
    [() => requested([]), /^Invalid endpoint configuration: EndpointConfig must be an object$/],
    [() => requested({ MacAddress: 5 }), /^Invalid endpoint configuration: EndpointConfig\.MacAddress must be a text/],
    [() => requested({ Aliases: "db" }), /Aliases must be a list of texts/],
    [() => requested({ IPAMConfig: { IPv4Address: 5 } }), /IPAMConfig\.IPv4Address must be a text/],
    [() => requested({ IPAMConfig: { IPv6Address: "10.0.0.9" } }), /^invalid IPv6 address: 10\.0\.0\.9$/],
    [() => requested({ GwPriority: 1.5 }), /GwPriority must be a whole number/],
    [() => parseConnectRequest({}), /^invalid container name or ID: value is empty$/],
    [() => parseConnectRequest({ Container: 5 }), /Container must be a text/],
    [() => parseDisconnectRequest({ Container: "web", Force: "yes" }), /Force must be true or false/],
  ];
  for (const [parse, message] of cases) assert.throws(parse, { code: "invalid_argument", message });
  assert.deepEqual(parseDisconnectRequest({ Container: "web" }), { container: "web", force: false });
});
