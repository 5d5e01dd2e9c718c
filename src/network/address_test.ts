import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { addressBytes, contains, formatAddress, formatSubnet, overlaps, parseAddress, parseSubnet } from "./address.ts";

Deno.test("IPv4 and IPv6 addresses are parsed and formatted", () => {
  const texts = [
    "0.0.0.0",
    "172.17.0.2",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "2001:db8::7:0:0:1",
    "1:2:3:4:5:6:7:8",
  ];
  for (const text of texts) assert.equal(formatAddress(parseAddress(text)!), text);
  assert.equal(parseAddress("172.17.0.2")!.value, 0xac110002n);
  assert.equal(formatAddress(parseAddress("2001:0DB8:0:0::1")!), "2001:db8::1");
});

Deno.test("addresses are converted to bytes in network order", () => {
  assert.deepEqual([...addressBytes(parseAddress("172.17.0.2")!)], [172, 17, 0, 2]);
  assert.deepEqual([...addressBytes(parseAddress("::1")!)], [...Array(15).fill(0), 1]);
});

Deno.test("parseAddress returns undefined for anything else", () => {
  for (
    const text of ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "x", ":", "fe80::1%eth0", "1::2::3", "[::1]"]
  ) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

Deno.test("subnets clear host bits; containment and overlap", () => {
  const subnet = parseSubnet("172.17.9.9/16");
  assert.equal(formatSubnet(subnet), "172.17.0.0/16");
  assert.ok(contains(subnet, parseAddress("172.17.255.255")!) && !contains(subnet, parseAddress("172.18.0.0")!));
  assert.ok(!contains(subnet, parseAddress("::1")!));
  assert.equal(formatSubnet(parseSubnet("2001:db8::1/64")), "2001:db8::/64");
  const cases: [string, string, boolean][] = [
    ["10.0.0.0/8", "10.1.0.0/16", true],
    ["10.1.0.0/16", "10.0.0.0/8", true],
    ["10.1.0.0/16", "10.2.0.0/16", false],
    ["0.0.0.0/0", "::/0", false],
  ];
  for (const [a, b, expected] of cases) assert.equal(overlaps(parseSubnet(a), parseSubnet(b)), expected);
});

Deno.test("an invalid subnet is refused", () => {
  for (const text of ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/8/8", "10.0.0.0/", "::/129"]) {
    assert.throws(() => parseSubnet(text), (thrown) => isTsdError(thrown, "invalid_argument"), text);
  }
});
