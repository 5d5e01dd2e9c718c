import type { FlagSpecs, FlagValues } from "../../cli/mod.ts";
import { checkAddress, checkDomain, checkExtraHost } from "../opts/name_values.ts";

/** Flags for host names, name resolution, networks and ports. */
export const NAME_FLAGS = {
  "add-host": { type: "list", check: checkExtraHost, help: "Add a custom host-to-IP mapping (host:ip)" },
  dns: { type: "list", check: checkAddress, help: "Set custom DNS servers" },
  "dns-option": { type: "list", aliases: ["dns-opt"], help: "Set DNS options" },
  "dns-search": { type: "list", check: checkDomain, help: "Set custom DNS search domains" },
  domainname: { type: "string", help: "Container NIS domain name" },
  expose: { type: "list", help: "Expose a port or a range of ports" },
  ip: { type: "string", help: "IPv4 address (e.g., 172.30.100.104)" },
  ip6: { type: "string", help: "IPv6 address (e.g., 2001:db8::33)" },
  "mac-address": { type: "string", help: "Container MAC address (e.g., 92:d0:c6:0a:29:33)" },
  network: {
    type: "list",
    aliases: ["net"],
    help:
      "Connect a container to a network: bridge (default), host, none, container:NAME, or one or more of your own: " +
      "NAME or name=NAME[,alias=A][,ip=ADDRESS][,ip6=ADDRESS][,mac-address=MAC][,gw-priority=N]",
  },
  "network-alias": { type: "list", aliases: ["net-alias"], help: "Add network-scoped alias for the container" },
  hostname: { type: "string", short: "h", help: "Container host name" },
  publish: {
    type: "list",
    short: "p",
    help: "Publish a container's port(s) to the host: [[ADDRESS:]PORT:]PORT[/PROTOCOL]",
  },
  "publish-all": { type: "bool", short: "P", help: "Publish all exposed ports to random ports" },
} as const satisfies FlagSpecs;

export type NameFlagValues = FlagValues<typeof NAME_FLAGS>;
