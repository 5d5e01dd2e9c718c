import type { FlagSpecs, FlagValues } from "../cli/mod.ts";
import { checkAddress, checkDomain, checkExtraHost } from "./name_values.ts";

/** What a container is called, whom it knows by name, and which ports it listens on. */
export const NAME_FLAGS = {
  "add-host": { type: "list", check: checkExtraHost, help: "Add a custom host-to-IP mapping (host:ip)" },
  dns: { type: "list", check: checkAddress, help: "Set custom DNS servers" },
  "dns-option": { type: "list", aliases: ["dns-opt"], help: "Set DNS options" },
  "dns-search": { type: "list", check: checkDomain, help: "Set custom DNS search domains" },
  domainname: { type: "string", help: "Container NIS domain name" },
  expose: { type: "list", help: "Expose a port or a range of ports" },
  hostname: { type: "string", short: "h", help: "Container host name" },
  publish: {
    type: "list",
    short: "p",
    help: "Publish a container's port(s) to the host: [[ADDRESS:]PORT:]PORT[/PROTOCOL]",
  },
  "publish-all": { type: "bool", short: "P", help: "Publish all exposed ports to random ports" },
} as const satisfies FlagSpecs;

export type NameFlagValues = FlagValues<typeof NAME_FLAGS>;
