import { strict as assert } from "node:assert";
import type { ErrorCode } from "../../errors.ts";
import { parseNetworkRequest } from "./network_request.ts";

const parse = (more: Record<string, unknown> = {}) => parseNetworkRequest({ Name: "mine", ...more });
const pool = (Config: Record<string, unknown>) => ({ IPAM: { Driver: "default", Config: [Config] } });

Deno.test("a network without wishes is a bridge", () => {
  assert.deepEqual(parse(), { name: "mine", record: { driver: "bridge" } });
  const cli = { Driver: "bridge", Internal: false, Options: {}, Labels: {}, IPAM: { Driver: "default", Config: [] } };
  assert.deepEqual(parse({ ...cli, CheckDuplicate: true, EnableIPv4: true, EnableIPv6: false }), parse());
});

Deno.test("addresses: a subnet, its gateway, a range, and those that others have", () => {
  assert.deepEqual(parse(pool({ Subnet: "10.1.2.3/24" })).record, {
    ...{ driver: "bridge", subnet: "10.1.2.0/24", gateway: "10.1.2.1", hasOwnSubnet: true },
  });
  const full = { Subnet: "10.1.0.0/16", IPRange: "10.1.9.0/24", AuxiliaryAddresses: { router: "10.1.9.0" } };
  assert.deepEqual(parse(pool({ ...full, Gateway: "10.1.0.254" })).record, {
    ...{ driver: "bridge", subnet: "10.1.0.0/16", gateway: "10.1.0.254", hasOwnSubnet: true },
    ...{ range: "10.1.9.0/24", auxiliary: { router: "10.1.9.0" } },
  });
  assert.equal(parse(pool(full)).record.gateway, "10.1.9.1");
});

Deno.test("IPv6: addresses that are chosen later, or those that were named, beside IPv4", () => {
  assert.deepEqual(parse({ EnableIPv6: true }).record, { driver: "bridge", six: {} });
  const Config = [{ Subnet: "FD00:7:0::/64", IPRange: "fd00:7::100/120" }, { Subnet: "10.1.2.0/24" }];
  assert.deepEqual(parse({ EnableIPv6: true, IPAM: { Config } }).record, {
    ...{ driver: "bridge", subnet: "10.1.2.0/24", gateway: "10.1.2.1", hasOwnSubnet: true },
    six: { subnet: "fd00:7::/64", gateway: "fd00:7::100", hasOwnSubnet: true, range: "fd00:7::100/120" },
  });
});

Deno.test("options, labels and switches are kept", () => {
  const options = { "com.docker.network.driver.mtu": "1400" };
  const { record } = parse({ Internal: true, Attachable: true, Options: options, Labels: { a: "b" } });
  assert.deepEqual(record, { driver: "bridge", internal: true, attachable: true, options, labels: { a: "b" } });
});

Deno.test("what can't be is refused with a reason", () => {
  const cases: [Record<string, unknown>, ErrorCode, RegExp][] = [
    [{ Name: "" }, "invalid_argument", /name is empty/],
    [{ Name: "a b" }, "invalid_argument", /invalid network name "a b"/],
    [{ Name: "host" }, "permission_denied", /operation is not permitted on predefined host network/],
    [{ Driver: "host" }, "permission_denied", /only one instance of "host" network is allowed/],
    [{ Driver: "overlay" }, "not_found", /could not find plugin overlay/],
    [{ Options: { x: "y" } }, "not_implemented", /the option x/],
    [{ Options: { "com.docker.network.driver.mtu": "x" } }, "invalid_argument", /give a number/],
    [{ Labels: { a: 1 } }, "invalid_argument", /^Invalid network configuration: Labels must be an object of texts$/],
    [{ Name: 5 }, "invalid_argument", /Name must be a text/],
    [{ Internal: "yes" }, "invalid_argument", /Internal must be true or false/],
    [{ IPAM: { Config: "x" } }, "invalid_argument", /IPAM\.Config must be a list of objects/],
    [pool({ Subnet: "10.0.0.0/24", Gateway: 5 }), "invalid_argument", /IPAM\.Config\[0\]\.Gateway must be a text/],
    [pool({ Subnet: "x" }), "invalid_argument", /invalid CIDR address: x/],
    [pool({ Gateway: "10.0.0.1" }), "invalid_argument", /invalid subnet/],
    [pool({ Subnet: "10.0.0.0/24", Gateway: "10.0.1.1" }), "invalid_argument", /invalid gateway 10\.0\.1\.1/],
    [pool({ Subnet: "10.0.0.0/24", IPRange: "10.0.1.0/25" }), "invalid_argument", /invalid ip-range/],
    [pool({ Subnet: "10.0.0.0/31" }), "invalid_argument", /no room/],
    [pool({ Subnet: "fd00::/64" }), "invalid_argument", /IPv6 is not enabled/],
    [{ EnableIPv6: true, ...pool({ Subnet: "fd00::/127" }) }, "invalid_argument", /no room/],
    [
      { EnableIPv6: true, ...pool({ Subnet: "fd00::/64", Gateway: "10.0.0.1" }) },
      "invalid_argument",
      /invalid gateway/,
    ],
    [{ IPAM: { Config: [{ Subnet: "10.0.0.0/24" }, { Subnet: "10.0.1.0/24" }] } }, "not_implemented", /more than one/],
  ];
  for (const [more, code, message] of cases) assert.throws(() => parse(more), { code, message }, JSON.stringify(more));
});
