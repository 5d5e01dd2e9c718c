import { strict as assert } from "node:assert";
import type { PortSummary } from "../../api_types/mod.ts";
import { portList } from "./port_list.ts";

const open = (PrivatePort: number, Type: PortSummary["Type"] = "tcp"): PortSummary => ({ PrivatePort, Type });
const published = (PrivatePort: number, PublicPort: number, IP = "0.0.0.0"): PortSummary => ({
  ...open(PrivatePort),
  PublicPort,
  IP,
});

Deno.test("ports: are rendered as docker does", () => {
  const cases: readonly (readonly [PortSummary[], string])[] = [
    [[], ""],
    [[open(80)], "80/tcp"],
    [[open(9001), open(9000), open(9002), open(9005)], "9000-9002/tcp, 9005/tcp"],
    [[open(53), open(53, "udp"), open(54, "udp")], "53/tcp, 53-54/udp"],
    [[published(80, 8080), published(80, 8080, "::")], "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"],
    [[published(81, 81), published(80, 80), published(80, 80, "::1")], "0.0.0.0:80-81->80-81/tcp, [::1]:80->80/tcp"],
    [
      [open(443), published(80, 8080), published(81, 8081), open(9000), {
        ...published(53, 53, "127.0.0.1"),
        Type: "udp",
      }],
      "443/tcp, 127.0.0.1:53->53/udp, 9000/tcp, 0.0.0.0:8080->80/tcp, 0.0.0.0:8081->81/tcp",
    ],
  ];
  for (const [ports, text] of cases) assert.equal(portList(ports), text);
});
