import { strict as assert } from "node:assert";
import { formatSubnet } from "./address.ts";
import { advertisedDevices, hostRoutes, hostRoutes6, type Route } from "./routes.ts";

const shown = (routes: Route[]) => routes.map(({ device, subnet }) => `${formatSubnet(subnet)} ${device}`);

const ROUTES = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
*\t00000A0A\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0
tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`;

Deno.test("IPv4 routes without the default route and reject routes", () => {
  assert.deepEqual(shown(hostRoutes(ROUTES)), ["192.0.2.0/24 eth0", "0.0.0.0/1 tun0", "172.17.0.0/16 docker0"]);
  assert.deepEqual(hostRoutes(""), []);
});

const IPV6_ROUTES = [
  "fd000007000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0",
  "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0",
  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0",
  "00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo",
  "ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0",
  "",
].join("\n");

Deno.test("IPv6 routes, and devices with router advertisements", () => {
  assert.deepEqual(shown(hostRoutes6(IPV6_ROUTES)), ["fd00:7::/64 eth0"]);
  assert.deepEqual([...advertisedDevices(IPV6_ROUTES)], ["eth0"]);
});
