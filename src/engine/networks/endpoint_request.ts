/**
 * @module
 * What a container wants in a network, as requests say it: `POST /networks/{id}/connect`, `/disconnect`, and the networks
 * of a new container. A field has an effect or is refused with a reason.
 */
import type { EndpointIPAMConfig, EndpointSettings } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { formatAddress, parseAddress } from "../../network/address.ts";
import type { RequestedEndpoint } from "../containers/container.ts";
import { checkShape, isEmpty, isObject, type Shape, withoutNulls } from "../request_shapes.ts";

const SHAPE = {
  IPAMConfig: { object: { IPv4Address: "text", IPv6Address: "text", LinkLocalIPs: "texts" } },
  Aliases: "texts",
  MacAddress: "text",
  GwPriority: "number",
} as const satisfies Shape<EndpointSettings>;

/** What there isn't. */
const REFUSED: { readonly [K in keyof EndpointSettings]?: string } = {
  Links: "--link",
  DriverOpts: "an option of the driver (--driver-opt)",
};

const MAC = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i;

/** @throws {TsdError} invalid_argument, not_implemented */
export function requestedEndpoint(given: unknown): RequestedEndpoint {
  if (given === undefined || given === null) return {};
  if (!isObject(given)) throw invalid("invalid JSON: the settings of an endpoint must be an object");
  checkShape(given, SHAPE, "", "endpoint");
  const settings = withoutNulls(given) as EndpointSettings;
  for (const [field, words] of Object.entries(REFUSED)) {
    if (!isEmpty(settings[field as keyof EndpointSettings])) throw unsupported(words);
  }
  const { Aliases, MacAddress: mac = "", GwPriority: priority = 0, IPAMConfig } = settings;
  const aliases = Aliases ?? [];
  if (mac !== "" && !MAC.test(mac)) throw invalid(`invalid MAC address: ${mac}`);
  return {
    ...requestedStaticAddresses(IPAMConfig ?? {}),
    ...mac !== "" && { mac: mac.toLowerCase().replaceAll("-", ":") },
    ...aliases.length > 0 && { aliases },
    ...priority !== 0 && { priority },
  };
}

function requestedStaticAddresses(
  { IPv4Address: four = "", IPv6Address: six = "", LinkLocalIPs: local }: EndpointIPAMConfig,
): Pick<RequestedEndpoint, "address" | "six"> {
  if (!isEmpty(local)) throw unsupported("a link-local address (--link-local-ip)");
  if (four !== "" && parseAddress(four)?.family !== 4) throw invalid(`invalid IPv4 address: ${four}`);
  const parsed = parseAddress(six);
  if (six !== "" && parsed?.family !== 6) throw invalid(`invalid IPv6 address: ${six}`);
  return { ...four !== "" && { address: four }, ...parsed !== undefined && { six: formatAddress(parsed) } };
}

/** @throws {TsdError} invalid_argument, not_implemented */
export function parseConnectRequest(
  body: unknown,
): { readonly container: string; readonly requested: RequestedEndpoint } {
  return {
    container: containerOf(body),
    requested: requestedEndpoint((body as { EndpointConfig?: unknown }).EndpointConfig),
  };
}

/** @throws {TsdError} invalid_argument */
export function parseDisconnectRequest(body: unknown): { readonly container: string; readonly force: boolean } {
  const container = containerOf(body);
  const { Force } = body as { Force?: boolean };
  return { container, force: Force ?? false };
}

function containerOf(body: unknown): string {
  if (!isObject(body)) throw invalid("invalid JSON: the request must be an object");
  checkShape(body, { Container: "text", Force: "flag" }, "", "endpoint");
  const { Container = "" } = withoutNulls(body) as { Container?: string };
  if (Container === "") throw invalid("invalid container name or ID: value is empty");
  return Container;
}

const invalid = (message: string) => new TsdError("invalid_argument", message);
const unsupported = (what: string) => new TsdError("not_implemented", `${what} is not supported yet`);
