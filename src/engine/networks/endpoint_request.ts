/**
 * @module
 * What a container wants in a network, as requests say it: `POST /networks/{id}/connect`, `/disconnect`, and the networks
 * of a new container. A field has an effect or is refused with a reason.
 */
import type { EndpointSettings } from "../../api/wire/mod.ts";
import { TsdError } from "../../errors.ts";
import { parseAddress } from "../../network/address.ts";
import type { AskedEndpoint } from "../containers/container.ts";
import { isEmpty, isObject, withoutNulls } from "../containers/request_shapes.ts";

/** What there isn't. */
const REFUSED: { readonly [K in keyof EndpointSettings]?: string } = {
  Links: "--link",
  DriverOpts: "an option of the driver (--driver-opt)",
};

const MAC = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i;

/** @throws {TsdError} invalid_argument, not_implemented */
export function askedEndpoint(given: unknown): AskedEndpoint {
  if (given === undefined || given === null) return {};
  if (!isObject(given)) throw invalid("invalid JSON: the settings of an endpoint must be an object");
  const settings = withoutNulls(given) as EndpointSettings;
  for (const [field, words] of Object.entries(REFUSED)) {
    if (!isEmpty(settings[field as keyof EndpointSettings])) throw unsupported(words);
  }
  const { Aliases: aliases = [], MacAddress: mac = "", GwPriority: priority = 0, IPAMConfig: ipam = {} } = settings;
  if (!Array.isArray(aliases) || !aliases.every((alias) => typeof alias === "string")) {
    throw invalid("invalid JSON: Aliases must be a list of texts");
  }
  if (!Number.isSafeInteger(priority)) throw invalid("invalid JSON: GwPriority must be a whole number");
  if (mac !== "" && !MAC.test(mac)) throw invalid(`invalid MAC address: ${mac}`);
  const address = ownAddress(ipam);
  return {
    ...address !== undefined && { address },
    ...mac !== "" && { mac: mac.toLowerCase().replaceAll("-", ":") },
    ...aliases.length > 0 && { aliases },
    ...priority !== 0 && { priority },
  };
}

function ownAddress(ipam: unknown): string | undefined {
  if (!isObject(ipam)) throw invalid("invalid JSON: IPAMConfig must be an object");
  const { IPv4Address: four = "", IPv6Address: six = "", LinkLocalIPs: local } = ipam;
  if (six !== "") throw unsupported("an IPv6 address (--ip6)");
  if (!isEmpty(local)) throw unsupported("a link-local address (--link-local-ip)");
  if (four === "") return undefined;
  if (typeof four !== "string" || parseAddress(four)?.family !== 4) throw invalid(`invalid IPv4 address: ${four}`);
  return four;
}

/** @throws {TsdError} invalid_argument, not_implemented */
export function parseConnectRequest(body: unknown): { readonly container: string; readonly asked: AskedEndpoint } {
  return { container: containerOf(body), asked: askedEndpoint((body as { EndpointConfig?: unknown }).EndpointConfig) };
}

/** @throws {TsdError} invalid_argument */
export function parseDisconnectRequest(body: unknown): { readonly container: string; readonly force: boolean } {
  return { container: containerOf(body), force: (body as { Force?: unknown }).Force === true };
}

function containerOf(body: unknown): string {
  if (!isObject(body)) throw invalid("invalid JSON: the request must be an object");
  if (typeof body.Container !== "string") throw invalid("invalid JSON: Container must be a text");
  return body.Container;
}

const invalid = (message: string) => new TsdError("invalid_argument", message);
const unsupported = (what: string) => new TsdError("not_implemented", `${what} is not supported yet`);
