/**
 * @module
 * Checks the body of `POST /networks/create`. A field has an effect or is refused with a reason.
 */
import type { IPAMConfig, NetworkCreateRequest } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { type Decoded, isObject, type Shape } from "../../json/decode.ts";
import {
  BITS,
  contains,
  type Family,
  formatAddress,
  formatSubnet,
  parseAddress,
  parseSubnet,
  type Subnet,
} from "../../network/address.ts";
import { freeAddress } from "../../network/pools.ts";
import { decodeRequest, isEmpty } from "../model/request_schemas.ts";
import { bridgeOptions } from "./bridge_options.ts";
import type { AddressPool, NetworkRecord } from "../model/network.ts";

export interface NetworkRequest {
  readonly name: string;
  readonly record: NetworkRecord;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const PREDEFINED: ReadonlySet<string> = new Set(["bridge", "host", "none", "default"]);

const POOL_SHAPE: Shape<IPAMConfig> = {
  Subnet: "text",
  IPRange: "text",
  Gateway: "text",
  AuxiliaryAddresses: "textMap",
};

const SHAPE: Shape<NetworkCreateRequest> = {
  Name: "text",
  CheckDuplicate: { ignored: { pointer: "flag" }, because: "names of networks are always unique" },
  Driver: "text",
  Scope: "text",
  EnableIPv4: { pointer: "flag" },
  EnableIPv6: { pointer: "flag" },
  IPAM: { pointer: { object: { Driver: "text", Options: "textMap", Config: { each: POOL_SHAPE } } } },
  Internal: "flag",
  Attachable: "flag",
  Ingress: "flag",
  ConfigOnly: "flag",
  ConfigFrom: { pointer: { object: { Network: "text" } } },
  Options: "textMap",
  Labels: "textMap",
};

/** What there isn't. */
const REFUSED: { readonly [K in keyof NetworkCreateRequest]?: string } = {
  ConfigOnly: "--config-only",
  ConfigFrom: "--config-from",
  Ingress: "--ingress",
};

/** @throws {TsdError} invalid_argument, not_implemented, permission_denied, not_found */
export function parseNetworkRequest(body: unknown): NetworkRequest {
  if (!isObject(body)) throw invalid("invalid JSON: the network must be an object");
  const request = decodeRequest(body, SHAPE, { what: "network" });
  const { Name: name = "", Driver: driver = "bridge", Internal = false, Attachable = false, EnableIPv4 = true } =
    request;
  if (name.trim() === "") throw invalid("invalid network name: name is empty");
  if (!NAME.test(name)) {
    throw invalid(`invalid network name ${JSON.stringify(name)}: only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed`);
  }
  if (PREDEFINED.has(name)) {
    throw new TsdError("permission_denied", `operation is not permitted on predefined ${name} network`);
  }
  for (const [field, words] of Object.entries(REFUSED)) {
    const value = request[field as keyof NetworkCreateRequest];
    if (!isEmpty(value) && !isEmptyFrom(value)) throw unsupported(words);
  }
  if (!EnableIPv4) throw unsupported("a network without IPv4");
  const hasIpv6 = request.EnableIPv6 ?? false;
  requireDriver(driver || "bridge");
  if (request.Scope && request.Scope !== "local") throw unsupported(`the scope ${request.Scope}`);
  const options = request.Options ?? {};
  bridgeOptions(options);
  const labels = request.Labels ?? {};
  return {
    name,
    record: {
      driver: "bridge",
      ...addressing(request, hasIpv6),
      ...Internal && { internal: true },
      ...Attachable && { attachable: true },
      ...Object.keys(options).length > 0 && { options },
      ...Object.keys(labels).length > 0 && { labels },
    },
  };
}

const isEmptyFrom = (value: unknown): boolean => isObject(value) && Object.values(value).every(isEmpty);

function requireDriver(driver: string): void {
  if (driver === "bridge") return;
  if (driver === "host" || driver === "null") {
    const what = driver === "null" ? "null" : "host";
    throw new TsdError("permission_denied", `only one instance of "${what}" network is allowed`);
  }
  throw new TsdError("not_found", `could not find plugin ${driver} in v1 plugin registry: plugin not found`);
}

/** The subnets that were named, one of each version at most, with what lies in them. */
function addressing({ IPAM }: Decoded<NetworkCreateRequest>, hasIpv6: boolean): Partial<NetworkRecord> {
  if (!["", "default", undefined].includes(IPAM?.Driver)) throw unsupported(`the address driver ${IPAM?.Driver}`);
  if (!isEmpty(IPAM?.Options)) throw unsupported("options of the address driver");
  const pools = (IPAM?.Config ?? []).filter((config) => !isEmptyFrom(config)).map(pool);
  const of = (family: Family) => pools.filter((each) => each.family === family).map(({ record }) => record);
  const [four, ...moreIpv4] = of(4);
  const [six, ...moreIpv6] = of(6);
  if (moreIpv4.length + moreIpv6.length > 0) throw unsupported("more than one subnet of a version");
  if (six !== undefined && !hasIpv6) {
    throw invalid(`IPv6 is not enabled, and there is an IPv6 subnet: ${six.subnet}`);
  }
  return { ...four, ...hasIpv6 && { six: six ?? {} } };
}

function pool(
  { Subnet: text = "", IPRange = "", Gateway = "", AuxiliaryAddresses = {} }: IPAMConfig,
): { readonly family: Family; readonly record: AddressPool } {
  if (text === "") throw invalid("invalid network config:\ninvalid subnet : invalid CIDR block notation");
  const subnet = parseSubnet(text);
  if (subnet.prefix > BITS[subnet.family] - 2) {
    throw invalid(`invalid subnet ${text}: there is no room for a gateway and a container`);
  }
  const inside = (what: string, address: string): string => {
    const parsed = parseAddress(address.replace(/\/.*$/, ""));
    if (parsed === undefined || !contains(subnet, parsed)) {
      throw invalid(`invalid ${what} ${address}: parent subnet ${formatSubnet(subnet)} doesn't contain it`);
    }
    return formatAddress(parsed);
  };
  const range = IPRange === "" ? undefined : rangeOf(IPRange, subnet);
  const others = Object.entries(AuxiliaryAddresses).map((
    [name, address],
  ) => [name, inside("auxiliary address", address)]);
  const taken = new Set(others.map(([, address]) => parseAddress(address!)!.value));
  const gateway = Gateway === "" ? formatAddress(freeAddress(subnet, { taken, range })) : inside("gateway", Gateway);
  const record = {
    subnet: formatSubnet(subnet),
    gateway,
    hasOwnSubnet: true,
    ...range !== undefined && { range: formatSubnet(range) },
    ...others.length > 0 && { auxiliary: Object.fromEntries(others) },
  };
  return { family: subnet.family, record };
}

function rangeOf(text: string, subnet: Subnet): Subnet {
  const range = parseSubnet(text);
  if (contains(subnet, { family: range.family, value: range.base }) && range.prefix >= subnet.prefix) return range;
  throw invalid(`invalid ip-range ${text}: parent subnet ${formatSubnet(subnet)} doesn't contain ip-range`);
}

const invalid = (message: string) => new TsdError("invalid_argument", message);
const unsupported = (what: string) =>
  new TsdError("not_implemented", `Cannot create the network: ${what} is not supported yet`);
