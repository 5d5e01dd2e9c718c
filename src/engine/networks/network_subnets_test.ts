import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import { parseSubnet } from "../../network/address.ts";
import type { ReservedSubnet } from "../../network/pools.ts";
import type { NetworkRecord } from "../model/network.ts";
import { settleSubnets, type SubnetSituation } from "./network_subnets.ts";

const NETWORK_ID = "0123456789abcdef0123".padEnd(64, "0");
const CALM: SubnetSituation = {
  ...{ reserved: [], recorded: [], bridge: "tsd0" },
  ...{ isNew: false, isUsed: false, collisions: 0 },
};

const of = (holder: string, ...subnets: string[]): ReservedSubnet[] =>
  subnets.map((text) => ({ subnet: parseSubnet(text), holder }));

const settled = (record: Omit<NetworkRecord, "driver">, more: Partial<SubnetSituation> = {}) =>
  settleSubnets({ id: NETWORK_ID, record: { driver: "bridge", ...record } }, { ...CALM, ...more });

const AUTOMATIC = { subnet: "172.20.0.0/16", gateway: "172.20.0.1" };
const NAMED = { subnet: "10.0.0.0/24", gateway: "10.0.0.1", hasOwnSubnet: true };

Deno.test("a network gets ranges, and keeps them while nothing else has them", () => {
  const first = settled({ six: {} }, { reserved: of("interface eth0", "172.17.0.0/16") });
  assert.deepEqual(first, {
    driver: "bridge",
    ...{ subnet: "172.18.0.0/16", gateway: "172.18.0.1" },
    six: { subnet: "fd01:2345:6789::/64", gateway: "fd01:2345:6789::1" },
  });
  assert.equal(settleSubnets({ id: NETWORK_ID, record: first }, CALM), first);
});

Deno.test("ranges that nobody named move on, each for itself", () => {
  const before = { ...AUTOMATIC, six: { subnet: "fd77::/64", gateway: "fd77::1" } };
  const four = settled(before, { reserved: of("interface docker0", "172.20.0.0/16") });
  assert.deepEqual([four.subnet, four.gateway, four.six], ["172.17.0.0/16", "172.17.0.1", before.six]);
  const six = settled(before, { recorded: of("network two", "fd77::/64") });
  assert.deepEqual([six.subnet, six.six?.subnet], [AUTOMATIC.subnet, "fd01:2345:6789::/64"]);
});

Deno.test("where two engines collide, each goes on from another place", () => {
  const reserved = of("interface tsd0123450", "172.17.0.0/16");
  const chosen = [1, 2, 3].map((collisions) => settled({}, { reserved, collisions }).subnet);
  assert.deepEqual(chosen, ["192.168.224.0/20", "192.168.240.0/20", "172.18.0.0/16"]);
});

Deno.test("a new network's own subnet is refused in Docker's words, with what has it", () => {
  const refusal = (holder: string) => (thrown: unknown) =>
    isTsdError(thrown, "permission_denied") && thrown.message ===
      "invalid pool request: Pool overlaps with other one on this address space: " +
        `10.0.0.0/8 is in use by ${holder}; give another --subnet, or remove that one`;
  const isNew = true;
  assert.throws(
    () => settled(NAMED, { isNew, reserved: of("interface eth0", "10.0.0.0/8") }),
    refusal("interface eth0"),
  );
  assert.throws(() => settled(NAMED, { isNew, recorded: of("network two", "10.0.0.0/8") }), refusal("network two"));
  assert.equal(settled(NAMED, { isNew, reserved: of("interface eth0", "10.1.0.0/16") }).subnet, NAMED.subnet);
});

Deno.test("ranges that can't be changed are refused when the bridge is made", () => {
  const refusal = (text: string) => (thrown: unknown) => isTsdError(thrown, "conflict") && thrown.message === text;
  assert.throws(
    () => settled(NAMED, { reserved: of("interface docker0", "10.0.0.0/16") }),
    refusal(
      "Cannot make the bridge tsd0 with 10.0.0.0/24: 10.0.0.0/16 is in use by interface docker0; " +
        "remove that one, or make the network anew with another --subnet",
    ),
  );
  assert.throws(
    () => settled(AUTOMATIC, { isUsed: true, reserved: of("interface docker0", "172.20.0.0/16") }),
    refusal(
      "Cannot make the bridge tsd0 with 172.20.0.0/16: 172.20.0.0/16 is in use by interface docker0; " +
        "remove that one, or stop the network's containers: then it gets another range",
    ),
  );
  // A network that was recorded before takes nothing from one that has a bridge.
  assert.equal(settled(NAMED, { recorded: of("network two", "10.0.0.0/16") }).subnet, NAMED.subnet);
});
