/** `--network` and what goes with it: the networks that a container is to be in, with the docker CLI's forms and texts. */
import type { EndpointIPAMConfig, EndpointSettings } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import type { NameFlagValues } from "./name_flags.ts";
import { checkAddress } from "../opts/name_values.ts";

type Flags = Pick<NameFlagValues, "network" | "network-alias" | "ip" | "ip6" | "mac-address">;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Networks that can't be combined with others. */
const isAlone = (name: string): boolean => ["host", "none"].includes(name) || name.startsWith("container:");

/** @throws {UsageError} */
export function networking(flags: Flags): {
  readonly mode: string | undefined;
  readonly endpoints: Readonly<Record<string, EndpointSettings>> | undefined;
} {
  const networks = flags.network.map(parseNetwork);
  const [first] = networks;
  if (networks.length > 1 && networks.some(({ name }) => isAlone(name))) {
    throw new UsageError("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  }
  const { "network-alias": aliases, ip, ip6, "mac-address": mac } = flags;
  const own = first ?? { name: "default", settings: {} };
  if (aliases.length > 0) {
    if (own.settings.Aliases) throw conflict("--network-alias and per-network alias");
    own.settings.Aliases = aliases;
  }
  if (ip !== undefined) {
    if (own.settings.IPAMConfig?.IPv4Address) throw conflict("--ip and per-network IPv4 address");
    withAddress(own.settings, { IPv4Address: checkAddress(ip) });
  }
  if (ip6 !== undefined) {
    if (own.settings.IPAMConfig?.IPv6Address) throw conflict("--ip6 and per-network IPv6 address");
    withAddress(own.settings, { IPv6Address: checkAddress(ip6) });
  }
  if (mac !== undefined) own.settings.MacAddress = mac;
  const all = networks.length === 0 ? [own] : networks;
  const seen = new Set<string>();
  for (const { name } of all) {
    if (seen.has(name)) throw new UsageError(`network ${JSON.stringify(name)} is specified multiple times`);
    seen.add(name);
  }
  const isPlain = all.length === 1 && Object.keys(own.settings).length === 0;
  return {
    mode: first?.name,
    endpoints: isPlain ? undefined : Object.fromEntries(all.map(({ name, settings }) => [name, settings])),
  };
}

function withAddress(settings: Mutable<EndpointSettings>, more: EndpointIPAMConfig): void {
  settings.IPAMConfig = { ...settings.IPAMConfig, ...more };
}

/** `NAME`, or `name=NAME,alias=…`. */
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
