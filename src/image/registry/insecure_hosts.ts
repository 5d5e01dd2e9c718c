import { BlockList, isIP } from "node:net";
import { hostnameOf } from "./hosts.ts";

/**
 * Registries that are configured as insecure: by host, with or without port, or by a network that contains their
 * address.
 */
export class InsecureHosts {
  readonly #names = new Set<string>();
  readonly #networks = new BlockList();

  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const network = parseNetwork(entry);
      if (network === undefined) this.#names.add(entry.toLowerCase());
      else this.#networks.addSubnet(network.address, network.prefix, network.family);
    }
  }

  /**
   * Returns whether `host` (which may have a port) is insecure. Names are not resolved: networks apply to literal
   * addresses.
   */
  has(host: string): boolean {
    const name = hostnameOf(host);
    if (this.#names.has(host.toLowerCase()) || this.#names.has(name)) return true;
    const address = name.replace(/^\[|\]$/g, "");
    const version = isIP(address);
    return version !== 0 && this.#networks.check(address, version === 4 ? "ipv4" : "ipv6");
  }
}

/** Parses `10.0.0.0/8` or `fd00::/8`; undefined if it is not a network. */
export function parseNetwork(
  text: string,
): { address: string; prefix: number; family: "ipv4" | "ipv6" } | undefined {
  const [address = "", bits = "", ...rest] = text.split("/");
  const version = isIP(address);
  if (rest.length > 0 || version === 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  const prefix = Number(bits);
  if (prefix > (version === 4 ? 32 : 128)) return undefined;
  return { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}
