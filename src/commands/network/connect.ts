import type { EndpointSettings } from "../../api_types/mod.ts";
import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { checkAddress } from "../opts/name_values.ts";
import { withoutEmpty } from "../inspect_as_run/config_overrides.ts";
import { refusedFlags } from "../container/refused_flags.ts";

/** `tsd network connect`. */
export const networkConnect = defineCommand({
  usage: "[OPTIONS] NETWORK CONTAINER",
  args: { min: 2, max: 2 },
  flags: {
    alias: { type: "list", help: "Add network-scoped alias for the container" },
    "gw-priority": { type: "int", default: 0, help: "Highest gw-priority provides the default gateway" },
    ...refusedFlags(["driver-opt", "link", "link-local-ip"]),
    ip: { type: "string", help: 'IPv4 address (e.g., "172.30.100.104")' },
    ip6: { type: "string", help: 'IPv6 address (e.g., "2001:db8::33")' },
  },
  examples: [{ line: "network connect back web", note: "Also while it runs" }],
  async run({ engine }: CommandContext, { args: [network = "", container = ""], flags }) {
    const endpoint: EndpointSettings = withoutEmpty({
      Aliases: flags.alias,
      GwPriority: flags["gw-priority"],
      IPAMConfig: addresses(flags),
    });
    await engine.networks.get(network).connect({ Container: container, EndpointConfig: endpoint });
    return 0;
  },
});

function addresses({ ip, ip6 }: { readonly ip: string | undefined; readonly ip6: string | undefined }) {
  if (ip === undefined && ip6 === undefined) return null;
  return {
    ...ip !== undefined && { IPv4Address: checkAddress(ip) },
    ...ip6 !== undefined && { IPv6Address: checkAddress(ip6) },
  };
}

/** `tsd network disconnect`. */
export const networkDisconnect = defineCommand({
  usage: "[OPTIONS] NETWORK CONTAINER",
  args: { min: 2, max: 2 },
  flags: { force: { type: "bool", short: "f", help: "Don't complain where it isn't connected" } },
  examples: [{ line: "network disconnect back web", note: "Also while it runs" }],
  async run({ engine }: CommandContext, { args: [network = "", container = ""], flags: { force } }) {
    await engine.networks.get(network).disconnect({ Container: container, Force: force });
    return 0;
  },
});
