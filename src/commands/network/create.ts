import type { IPAMConfig, NetworkCreateRequest } from "../../api_types/mod.ts";
import { defineCommand, StatusError } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { splitPair } from "../opts/flag_values.ts";
import { checkLabel } from "../opts/label.ts";
import { refusedFlags } from "../container/refused_flags.ts";

/** `tsd network create`. */
export const networkCreate = defineCommand({
  usage: "[OPTIONS] NETWORK",
  args: { min: 1, max: 1 },
  flags: {
    attachable: { type: "bool", help: "Enable manual container attachment (it is always)" },
    "aux-address": { type: "list", help: "Auxiliary addresses that nobody gets: NAME=ADDRESS" },
    driver: { type: "string", short: "d", default: "bridge", help: "Driver to manage the network" },
    gateway: { type: "list", help: "Gateway for the subnet of its version" },
    internal: { type: "bool", help: "Restrict external access to the network" },
    "ip-range": { type: "list", help: "Allocate container ip from a sub-range" },
    ipv6: { type: "bool", help: "Addresses of IPv6 too; unique local ones where no subnet says others" },
    label: { type: "list", check: checkLabel, help: "Set metadata on a network" },
    opt: {
      type: "list",
      short: "o",
      help:
        "Set driver specific options: com.docker.network.driver.mtu, com.docker.network.bridge.name, …enable_icc, " +
        "…enable_ip_masquerade, …host_binding_ipv4",
    },
    ...refusedFlags([
      ...["config-from", "config-only", "ingress", "ipam-driver", "ipam-opt", "ipv4", "scope"],
    ]),
    subnet: { type: "list", help: "Subnet in CIDR format that represents a network segment" },
  },
  examples: [
    { line: "network create back", note: "Containers in it reach each other, and the world" },
    { line: "network create --ipv6 --subnet 2001:db8:7::/64 six", note: "IPv6 with addresses of one's own, and IPv4" },
    { line: "network create --internal --subnet 10.9.0.0/24 vault", note: "No way out or in, addresses of one's own" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name = ""], flags }) {
    const body: NetworkCreateRequest = {
      Name: name,
      CheckDuplicate: true,
      Driver: flags.driver,
      EnableIPv6: flags.ipv6,
      Internal: flags.internal,
      Attachable: flags.attachable,
      Options: Object.fromEntries(flags.opt.map(splitPair)),
      Labels: Object.fromEntries(flags.label.map(splitPair)),
      IPAM: { Driver: "default", Options: {}, Config: addressing(flags) },
    };
    const { Id, Warning } = await engine.networks.create(body);
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

/**
 * Assigns gateways, ranges and auxiliary addresses to subnets: to the first subnet of the same IP version that has none yet.
 * @throws {StatusError}
 */
function addressing({ subnet, gateway, "ip-range": ranges, "aux-address": others }: Addressing): IPAMConfig[] {
  const configs = subnet.map((Subnet): Mutable<IPAMConfig> => ({ Subnet }));
  const assign = (key: "Gateway" | "IPRange", value: string) => {
    const config = configs.find((each) => isIpv6(each.Subnet!) === isIpv6(value) && each[key] === undefined);
    if (config === undefined) throw new StatusError("every ip-range or gateway must have a corresponding subnet");
    config[key] = value;
  };
  for (const range of ranges) assign("IPRange", range);
  for (const address of gateway) assign("Gateway", address);
  for (const [name, address] of others.map(splitPair)) {
    const config = configs.find((each) => isIpv6(each.Subnet!) === isIpv6(address));
    if (config === undefined) throw new StatusError(`no matching subnet for aux-address ${address}`);
    config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address };
  }
  return configs;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const isIpv6 = (address: string): boolean => address.includes(":");
