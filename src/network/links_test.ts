import { strict as assert } from "node:assert";
import "../sys/preopen_testing.ts";
import { files, netlink } from "../sys/mod.ts";
import { contains, formatSubnet, parseAddress } from "./address.ts";
import { linkKinds, linkMac, linkSubnets } from "./links.ts";

Deno.test("interfaces of this machine match Deno.networkInterfaces", async () => {
  const found = await linkKinds({ ...files, ...netlink });
  const names = new Set(found.map(({ name }) => name));
  for (const { name } of Deno.networkInterfaces()) assert.ok(names.has(name), name);
  assert.deepEqual(found.filter(({ name }) => name === "lo"), [{ name: "lo", kind: undefined }]);
});

Deno.test("IP and MAC addresses of interfaces match Deno.networkInterfaces", async () => {
  const calls = { ...files, ...netlink };
  const found = await linkSubnets(calls);
  for (const { name, address, mac, family } of Deno.networkInterfaces()) {
    const own = found.filter(({ device }) => device === name);
    const known = own.map(({ subnet }) => formatSubnet(subnet));
    assert.ok(own.some(({ subnet }) => contains(subnet, parseAddress(address)!)), `${name} ${address}: ${known}`);
    if (family === "IPv4") assert.equal(await linkMac(calls, name), mac);
  }
  assert.ok(found.some(({ device, subnet }) => device === "lo" && formatSubnet(subnet) === "127.0.0.0/8"));
  assert.equal(await linkMac(calls, "absent-0"), undefined);
});
