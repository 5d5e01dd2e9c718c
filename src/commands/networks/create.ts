import type { IPAMConfig, NetworkCreateRequest } from "../../api/wire/mod.ts";
import { defineCommand, UsageError } from "../../cli/mod.ts";
import { createNetwork } from "../../client/networks.ts";
import type { CommandContext } from "../context.ts";
import { splitPair } from "../flag_values.ts";
import { checkLabel } from "../label_values.ts";
import { refusedFlags } from "../refused_flags.ts";

/** `tsd network create`. */
export const networkCreate = defineCommand({
  usage: "[OPTIONS] NETWORK",
  args: { min: 1, max: 1 },
  flags: {
    attachable: { type: "bool", help: "Enable manual container attachment (it is always)" },
    "aux-address": { type: "list", help: "Auxiliary IPv4 addresses that nobody gets: NAME=ADDRESS" },
    driver: { type: "string", short: "d", default: "bridge", help: "Driver to manage the network" },
    gateway: { type: "list", help: "IPv4 gateway for the subnet" },
    internal: { type: "bool", help: "Restrict external access to the network" },
    "ip-range": { type: "list", help: "Allocate container ip from a sub-range" },
    label: { type: "list", check: checkLabel, help: "Set metadata on a network" },
    opt: {
      type: "list",
      short: "o",
      help:
        "Set driver specific options: com.docker.network.driver.mtu, com.docker.network.bridge.name, …enable_icc, " +
        "…enable_ip_masquerade, …host_binding_ipv4",
    },
    ...refusedFlags([
      ...["config-from", "config-only", "ingress", "ipam-driver", "ipam-opt", "ipv4", "ipv6", "scope"],
    ]),
    subnet: { type: "list", help: "Subnet in CIDR format that represents a network segment" },
  },
  examples: [
    { line: "network create back", note: "Containers in it reach each other, and the world" },
    { line: "network create --internal --subnet 10.9.0.0/24 vault", note: "No way out or in, addresses of one's own" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name = ""], flags }) {
    const body: NetworkCreateRequest = {
      Name: name,
      CheckDuplicate: true,
      Driver: flags.driver,
      Internal: flags.internal,
      Attachable: flags.attachable,
      Options: Object.fromEntries(flags.opt.map(splitPair)),
      Labels: Object.fromEntries(flags.label.map(splitPair)),
      IPAM: { Driver: "default", Options: {}, Config: addressing(flags) },
    };
    const { Id, Warning } = await createNetwork(engine, body);
    if (Warning) await terminal.err(`WARNING: ${Warning}\n`);
    await terminal.out(`${Id}\n`);
    return 0;
  },
});

interface Addressing {
  readonly subnet: readonly string[];
  readonly gateway: readonly string[];
  readonly "ip-range": readonly string[];
  readonly "aux-address": readonly string[];
}

/** What belongs to which subnet. @throws {UsageError} */
function addressing({ subnet, gateway, "ip-range": ranges, "aux-address": others }: Addressing): IPAMConfig[] {
  if (subnet.length < ranges.length || subnet.length < gateway.length) {
    throw new UsageError("every ip-range or gateway must have a corresponding subnet");
  }
  return subnet.map((Subnet, at) => ({
    Subnet,
    ...ranges[at] !== undefined && { IPRange: ranges[at] },
    ...gateway[at] !== undefined && { Gateway: gateway[at] },
    ...at === 0 && others.length > 0 && { AuxiliaryAddresses: Object.fromEntries(others.map(splitPair)) },
  }));
}
