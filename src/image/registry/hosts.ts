/**
 * @module
 * Which hosts a registry may send the client to. Redirects, token realms and foreign-layer URLs are untrusted: they
 * must not reach the host's cloud metadata service or loopback services. Only literal addresses and well-known names
 * are checked; names are not resolved here.
 */
import { TsdError } from "../../errors.ts";

/** Cloud metadata services outside of 169.254.0.0/16. */
const METADATA_HOSTS = new Set(["metadata.google.internal", "metadata", "100.100.100.200", "[fd00:ec2::254]"]);

/** Returns the host name of `host[:port]` or of a URL's host, in lower case, without port and trailing dot. */
export function hostnameOf(host: string): string {
  const bare = /^\[[^\]]*\]/.exec(host)?.[0] ?? host.split(":", 1)[0];
  return bare.toLowerCase().replace(/\.$/, "");
}

/** Returns whether a name refers to this machine; such registries may use plain HTTP. */
export function isLoopbackHost(host: string): boolean {
  const name = hostnameOf(host);
  if (name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || name === "[::]") return true;
  const octets = ipv4Of(name);
  return octets !== undefined && (octets[0] === 127 || octets[0] === 0);
}

/** Returns whether a name is a link-local address or a cloud metadata service. */
export function isLinkLocalHost(host: string): boolean {
  const name = hostnameOf(host);
  if (METADATA_HOSTS.has(name) || /^\[fe[89ab]/.test(name)) return true;
  const octets = ipv4Of(name);
  return octets !== undefined && octets[0] === 169 && octets[1] === 254;
}

/**
 * Rejects a URL that a registry must not send the client to.
 * @param what the kind of URL: `a redirect`, `the token realm`, `a layer URL`
 * @param registry URL of the registry that sent it
 * @throws {TsdError} registry_protocol
 */
export function checkTarget(target: URL, what: string, registry: URL): void {
  const refuse = (why: string) =>
    new TsdError("registry_protocol", `Refusing ${what} of registry ${registry.host} to ${shown(target)}: ${why}`);
  if (target.protocol !== "https:" && target.protocol !== "http:") throw refuse("it is not HTTP");
  if (target.protocol === "http:" && registry.protocol === "https:") throw refuse("it leaves HTTPS for plain HTTP");
  if (target.username !== "" || target.password !== "") throw refuse("it carries a user name");
  if (target.host === registry.host) return;
  if (isLinkLocalHost(target.hostname)) throw refuse("the address is link-local or a metadata service");
  if (isLoopbackHost(target.hostname) && !isLoopbackHost(registry.hostname)) {
    throw refuse("the address is this machine");
  }
}

/** Formats a URL for a message, without the query, which may contain signatures. */
function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`.slice(0, 200);
}

/** Returns the octets of an IPv4 address, also of one embedded in an IPv6 address. URLs normalise other notations. */
function ipv4Of(name: string): number[] | undefined {
  const mapped = /^\[(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(name);
  if (mapped !== null) {
    return mapped.slice(1).map((group) => parseInt(group, 16)).flatMap((group) => [group >> 8, group & 255]);
  }
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name) ? name.split(".").map(Number) : undefined;
}
