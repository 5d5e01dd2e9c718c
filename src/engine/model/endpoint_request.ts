/**
 * @module
 * What requests say about a container's endpoint in a network: `POST /networks/{id}/connect`, `/disconnect`, and the
 * networks of a new container. A field either has an effect or is refused with a reason.
 */
import type {
  EndpointIPAMConfig,
  EndpointSettings,
  NetworkConnectRequest,
  NetworkDisconnectRequest,
} from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { type Decoded, isObject, type Shape } from "../../json/decode.ts";
import { formatAddress, parseAddress } from "../../network/address.ts";
import type { RequestedEndpoint } from "./container.ts";
import { decodeRequest, isEmpty } from "./request_schemas.ts";

const REPORTED = "the engine assigns and reports it; clients send back what inspect has shown";

export const ENDPOINT_SHAPE: Shape<EndpointSettings> = {
  IPAMConfig: { pointer: { object: { IPv4Address: "text", IPv6Address: "text", LinkLocalIPs: "texts" } } },
  Links: "texts",
  Aliases: "texts",
  DriverOpts: "textMap",
  MacAddress: "text",
  GwPriority: "number",
  NetworkID: { ignored: "text", because: REPORTED },
  EndpointID: { ignored: "text", because: REPORTED },
  Gateway: { ignored: "text", because: REPORTED },
  IPAddress: { ignored: "text", because: REPORTED },
  IPPrefixLen: { ignored: "number", because: REPORTED },
  IPv6Gateway: { ignored: "text", because: REPORTED },
  GlobalIPv6Address: { ignored: "text", because: REPORTED },
  GlobalIPv6PrefixLen: { ignored: "number", because: REPORTED },
  DNSNames: { ignored: "texts", because: REPORTED },
};

const CONNECT_SHAPE: Shape<NetworkConnectRequest> = {
  Container: "text",
  EndpointConfig: { pointer: { object: ENDPOINT_SHAPE } },
};

const DISCONNECT_SHAPE: Shape<NetworkDisconnectRequest> = { Container: "text", Force: "flag" };

/** Unsupported fields. */
const REFUSED: { readonly [K in keyof EndpointSettings]?: string } = {
  Links: "--link",
  DriverOpts: "an option of the driver (--driver-opt)",
};

const MAC = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i;

/** Parses an endpoint's settings. @throws {TsdError} invalid_argument, not_implemented */
export function requestedEndpoint(given: Decoded<EndpointSettings> | null | undefined): RequestedEndpoint {
  const settings = given ?? {};
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
  { IPv4Address: four = "", IPv6Address: six = "", LinkLocalIPs: local }: Decoded<EndpointIPAMConfig>,
): Pick<RequestedEndpoint, "address" | "six"> {
  if (!isEmpty(local)) throw unsupported("a link-local address (--link-local-ip)");
  if (four !== "" && parseAddress(four)?.family !== 4) throw invalid(`invalid IPv4 address: ${four}`);
  const parsed = parseAddress(six);
  if (six !== "" && parsed?.family !== 6) throw invalid(`invalid IPv6 address: ${six}`);
  return { ...four !== "" && { address: four }, ...parsed !== undefined && { six: formatAddress(parsed) } };
}

/** Parses the body of a connect request. @throws {TsdError} invalid_argument, not_implemented */
export function parseConnectRequest(
  body: unknown,
): { readonly container: string; readonly requested: RequestedEndpoint } {
  const { Container, EndpointConfig } = decoded(body, CONNECT_SHAPE);
  return { container: named(Container), requested: requestedEndpoint(EndpointConfig) };
}

/** Parses the body of a disconnect request. @throws {TsdError} invalid_argument */
export function parseDisconnectRequest(body: unknown): { readonly container: string; readonly force: boolean } {
  const { Container, Force = false } = decoded(body, DISCONNECT_SHAPE);
  return { container: named(Container), force: Force };
}

function decoded<T>(body: unknown, shape: Shape<T>): Decoded<T> {
  if (!isObject(body)) throw invalid("invalid JSON: the request must be an object");
  return decodeRequest(body, shape, { what: "endpoint" });
}

function named(container = ""): string {
  if (container === "") throw invalid("invalid container name or ID: value is empty");
  return container;
}

const invalid = (message: string) => new TsdError("invalid_argument", message);
const unsupported = (what: string) => new TsdError("not_implemented", `${what} is not supported yet`);
