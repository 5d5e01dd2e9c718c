/** Converts `--network` and related flags to the networks of a container, with the docker CLI's formats and messages. */
import type { EndpointIPAMConfig, EndpointSettings } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import type { NameFlagValues } from "./name_flags.ts";
import { checkAddress } from "../opts/name_values.ts";

type Flags = Pick<NameFlagValues, "network" | "network-alias" | "ip" | "ip6" | "mac-address">;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Returns whether a network mode can't be combined with other networks. */
const isExclusive = (name: string): boolean => ["host", "none"].includes(name) || name.startsWith("container:");

/**
 * Returns the network mode and the endpoint settings by network name; these are undefined if the mode alone suffices.
 * `--ip`, `--ip6`, `--mac-address` and `--network-alias` apply to the first network. @throws {UsageError}
 */
export function networking(flags: Flags): {
  readonly mode: string | undefined;
  readonly endpoints: Readonly<Record<string, EndpointSettings>> | undefined;
} {
  const networks = flags.network.map(parseNetwork);
  const [first] = networks;
  if (networks.length > 1 && networks.some(({ name }) => isExclusive(name))) {
    throw new UsageError("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  }
  const { "network-alias": aliases, ip, ip6, "mac-address": mac } = flags;
  const primary = first ?? { name: "default", settings: {} };
  if (aliases.length > 0) {
    if (primary.settings.Aliases) throw conflict("--network-alias and per-network alias");
    primary.settings.Aliases = aliases;
  }
  if (ip !== undefined) {
    if (primary.settings.IPAMConfig?.IPv4Address) throw conflict("--ip and per-network IPv4 address");
    withAddress(primary.settings, { IPv4Address: checkAddress(ip) });
  }
  if (ip6 !== undefined) {
    if (primary.settings.IPAMConfig?.IPv6Address) throw conflict("--ip6 and per-network IPv6 address");
    withAddress(primary.settings, { IPv6Address: checkAddress(ip6) });
  }
  if (mac !== undefined) primary.settings.MacAddress = mac;
  const all = networks.length === 0 ? [primary] : networks;
  const names = new Set<string>();
  for (const { name } of all) {
    if (names.has(name)) throw new UsageError(`network ${JSON.stringify(name)} is specified multiple times`);
    names.add(name);
  }
  const isPlain = all.length === 1 && Object.keys(primary.settings).length === 0;
  return {
    mode: first?.name,
    endpoints: isPlain ? undefined : Object.fromEntries(all.map(({ name, settings }) => [name, settings])),
  };
}

function withAddress(settings: Mutable<EndpointSettings>, more: EndpointIPAMConfig): void {
  settings.IPAMConfig = { ...settings.IPAMConfig, ...more };
}

/** Parses `NAME` or `name=NAME,alias=…`. @throws {UsageError} */
function parseNetwork(text: string): { name: string; settings: Mutable<EndpointSettings> } {
  if (!/^\w[\w-]*=/.test(text)) return { name: text, settings: {} };
  const settings: Mutable<EndpointSettings> = {};
  const aliases: string[] = [];
  let name = "";
  for (const field of text.split(",")) {
    const at = field.indexOf("=");
    if (at < 1) throw new UsageError(`invalid field ${field}`);
    const [key, value] = [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1).trim()];
    if (key === "name") name = value;
    else if (key === "alias") aliases.push(value);
    else if (key === "ip") withAddress(settings, { IPv4Address: checkAddress(value) });
    else if (key === "ip6") withAddress(settings, { IPv6Address: checkAddress(value) });
    else if (key === "mac-address") settings.MacAddress = value;
    else if (key === "gw-priority") settings.GwPriority = priority(value);
    else throw new UsageError(`invalid field key ${key}`);
  }
  if (name === "") throw new UsageError("network name/id is not specified");
  if (aliases.length > 0) settings.Aliases = aliases;
  return { name, settings };
}

function priority(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new UsageError(`invalid gw-priority (${text}): strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const conflict = (what: string) => new UsageError(`conflicting options: cannot specify both ${what}`);
