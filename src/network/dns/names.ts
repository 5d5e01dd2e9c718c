/**
 * @module
 * Resolves names and addresses for a container, within its hostPart networks only. Pure.
 */
import { canonicalAddress, type Family } from "../address.ts";
import type { NamedContainer, NamedEndpoint, NameTable } from "./name_table.ts";

/** An index of one network's names and addresses. */
interface Zone {
  readonly name: string;
  /** By name in lower case. */
  readonly addresses: Map<string, string[]>;
  readonly byAddress: Map<string, { readonly container: NamedContainer; readonly endpoint: NamedEndpoint }>;
}

/** Resolves names and addresses for a container, within its hostPart networks only. */
export class Names {
  /** By the network's id. */
  readonly #zones = new Map<string, Zone>();

  constructor({ networks, containers }: NameTable) {
    for (const { id, name } of networks) {
      this.#zones.set(id, { name: name.toLowerCase(), addresses: new Map(), byAddress: new Map() });
    }
    for (const container of containers) {
      for (const endpoint of container.endpoints) this.#add(container, endpoint);
    }
  }

  /** Returns the container with this address in a network; undefined if there is none. */
  asker(network: string, address: string): NamedContainer | undefined {
    const known = this.#zones.get(network)?.byAddress;
    // Sockets report IPv4 addresses in canonical form already.
    return (known?.get(address) ?? known?.get(canonical(address)))?.container;
  }

  /**
   * Returns the addresses of all containers with this name: empty if they have none of this family, undefined if no
   * container has the name. A name may be qualified with its network's: `web.back`.
   */
  addresses({ endpoints }: NamedContainer, name: string, family: Family): string[] | undefined {
    const requested = name.toLowerCase().replace(/\.$/, "");
    const zones = endpoints.flatMap(({ network }) => this.#zones.get(network) ?? []);
    for (const [hostPart, inNetwork] of networkSplits(requested)) {
      for (const zone of zones) {
        if (inNetwork !== undefined && inNetwork !== zone.name) continue;
        const found = zone.addresses.get(hostPart);
        if (found !== undefined) return found.filter((address) => address.includes(":") === (family === 6));
      }
    }
    return undefined;
  }

  /**
   * Returns the name of an address, qualified with its network's.
   * @param name as in a PTR query: `2.0.18.172.in-addr.arpa`
   */
  pointer({ endpoints }: NamedContainer, name: string): string | undefined {
    const address = addressOfPtrName(name.toLowerCase().replace(/\.$/, ""));
    if (address === undefined) return undefined;
    for (const { network } of endpoints) {
      const zone = this.#zones.get(network);
      const found = zone?.byAddress.get(address)?.endpoint.names[0];
      if (zone !== undefined && found !== undefined) return `${found}.${zone.name}`;
    }
    return undefined;
  }

  #add(container: NamedContainer, endpoint: NamedEndpoint): void {
    const zone = this.#zones.get(endpoint.network);
    if (zone === undefined) return;
    const addresses = endpoint.addresses.map(canonical);
    for (const address of addresses) zone.byAddress.set(address, { container, endpoint });
    for (const name of new Set(endpoint.names.map((each) => each.toLowerCase()))) {
      zone.addresses.set(name, [...zone.addresses.get(name) ?? [], ...addresses]);
    }
  }
}

/** Yields the whole name, then every split into a name and a network's name: both may contain dots. */
function* networkSplits(name: string): Generator<readonly [name: string, network: string | undefined]> {
  yield [name, undefined];
  for (let at = name.lastIndexOf("."); at > 0; at = name.lastIndexOf(".", at - 1)) {
    yield [name.slice(0, at), name.slice(at + 1)];
  }
}

const canonical = (text: string): string => canonicalAddress(text.replace(/%.*$/, "")) ?? text;

/** Returns the address in the name of a PTR query (RFC 1035, 3.5; RFC 3596, 2.5). */
function addressOfPtrName(name: string): string | undefined {
  const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (ipv4 !== null) return ipv4.slice(1).toReversed().join(".");
  const ipv6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (ipv6 === null) return undefined;
  const digits = ipv6[1]!.replaceAll(".", "").split("").toReversed().join("");
  return canonical(digits.match(/.{4}/g)!.join(":"));
}
