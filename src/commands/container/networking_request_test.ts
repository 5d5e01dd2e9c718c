import { strict as assert } from "node:assert";
import { networking } from "./networking_request.ts";

const from = (...network: string[]) =>
  networking({ network, "network-alias": [], ip: undefined, ip6: undefined, "mac-address": undefined });

Deno.test("--network: none, one and several networks, with settings", () => {
  assert.deepEqual(from(), { mode: undefined, endpoints: undefined });
  assert.deepEqual(from("mine"), { mode: "mine", endpoints: undefined });
  assert.deepEqual(from("a", "b"), { mode: "a", endpoints: { a: {}, b: {} } });
  assert.deepEqual(from("name=a,alias=x,alias=y,ip=10.0.0.2,ip6=fd00::2,gw-priority=3").endpoints, {
    a: { Aliases: ["x", "y"], IPAMConfig: { IPv4Address: "10.0.0.2", IPv6Address: "fd00::2" }, GwPriority: 3 },
  });
});

Deno.test("--ip, --network-alias and --mac-address apply to the first network", () => {
  const flags = {
    ...{ network: ["a", "b"], "network-alias": ["x"], "mac-address": "02:00:00:00:00:01" },
    ...{ ip: "10.0.0.2", ip6: "fd00::2" },
  };
  assert.deepEqual(networking(flags).endpoints, {
    a: {
      Aliases: ["x"],
      IPAMConfig: { IPv4Address: "10.0.0.2", IPv6Address: "fd00::2" },
      MacAddress: "02:00:00:00:00:01",
    },
    b: {},
  });
  assert.deepEqual(networking({ ...flags, network: [] }).endpoints?.default?.Aliases, ["x"]);
});

Deno.test("conflicting network flags are refused with the docker CLI's messages", () => {
  const cases: [string[], string][] = [
    [["host", "a"], "conflicting options: cannot attach both user-defined and non-user-defined network-modes"],
    [["a", "a"], 'network "a" is specified multiple times'],
    [["alias=x"], "network name/id is not specified"],
    [["name=a,x=y"], "invalid field key x"],
    [["name=a,gw-priority=x"], 'invalid gw-priority (x): strconv.Atoi: parsing "x": invalid syntax'],
  ];
  for (const [networks, message] of cases) assert.throws(() => from(...networks), { message });
});
