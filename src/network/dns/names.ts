/**
 * @module
 * Looks names and addresses up for a container, in its own networks and no others. Pure.
 */
import { canonicalAddress, type Family } from "../address.ts";
import type { NamedContainer, NamedEndpoint, NameTable } from "./name_table.ts";

/** A network as it is looked up in. */
interface Zone {
  readonly name: string;
  /** Lower case, to all addresses under that name. */
  readonly addresses: Map<string, string[]>;
  readonly byAddress: Map<string, { readonly container: NamedContainer; readonly endpoint: NamedEndpoint }>;
}

/** See the module's comment. */
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

  /** Who asks in a network from an address; undefined: nobody who is in it. */
  asker(network: string, address: string): NamedContainer | undefined {
    const known = this.#zones.get(network)?.byAddress;
    // Sockets give addresses of version 4 as they are here.
    return (known?.get(address) ?? known?.get(canonical(address)))?.container;
  }

  /**
   * Addresses of all that have a name; none where it has no address of that version; undefined where nobody has it. A
   * network's name may stand behind it: `web.back`.
   */
  addresses({ endpoints }: NamedContainer, name: string, family: Family): string[] | undefined {
    const requested = name.toLowerCase().replace(/\.$/, "");
    const zones = endpoints.flatMap(({ network }) => this.#zones.get(network) ?? []);
    for (const [own, inNetwork] of divided(requested)) {
      for (const zone of zones) {
        if (inNetwork !== undefined && inNetwork !== zone.name) continue;
        const found = zone.addresses.get(own);
        if (found !== undefined) return found.filter((address) => address.includes(":") === (family === 6));
      }
    }
    return undefined;
  }

  /** The name of an address with its network's. @param name as a question has it: `2.0.18.172.in-addr.arpa` */
  pointer({ endpoints }: NamedContainer, name: string): string | undefined {
    const address = reversed(name.toLowerCase().replace(/\.$/, ""));
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

/** A name as a whole, and every way to see the rest of it as a network's name: both may have dots. */
function* divided(name: string): Generator<readonly [name: string, network: string | undefined]> {
  yield [name, undefined];
  for (let at = name.lastIndexOf("."); at > 0; at = name.lastIndexOf(".", at - 1)) {
    yield [name.slice(0, at), name.slice(at + 1)];
  }
}

const canonical = (text: string): string => canonicalAddress(text.replace(/%.*$/, "")) ?? text;

/** The address in the name of a pointer (RFC 1035, 3.5; RFC 3596, 2.5). */
function reversed(name: string): string | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (four !== null) return four.slice(1).toReversed().join(".");
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (six === null) return undefined;
  const digits = six[1]!.replaceAll(".", "").split("").toReversed().join("");
  return canonical(digits.match(/.{4}/g)!.join(":"));
}
