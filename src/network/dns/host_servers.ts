/**
 * @module
 * The host's name servers from its resolv.conf(5), read again when they may have changed, as on a laptop that changes
 * networks.
 */
import { canonicalAddress } from "../address.ts";
import type { ServerAddress } from "./forwarder.ts";

const FILE = "/etc/resolv.conf";
/** How long the servers are cached, in ms. */
const FRESH_MS = 1_000;

/** Returns the servers in the text of a resolv.conf. Link-local ones with a zone (`fe80::1%eth0`) are left out. */
export function serversIn(text: string): ServerAddress[] {
  return text.split("\n").flatMap((line) => {
    const [, address = ""] = /^\s*nameserver\s+(\S+)/.exec(line) ?? [];
    return canonicalAddress(address) ?? [];
  });
}

/** The host's current name servers, cached for a second. */
export class HostServers {
  readonly #path: string;
  #readMs = -Infinity;
  #servers: readonly ServerAddress[] = [];

  constructor(path = FILE) {
    this.#path = path;
  }

  get servers(): readonly ServerAddress[] {
    const now = performance.now();
    if (now - this.#readMs > FRESH_MS) {
      this.#servers = serversIn(textOf(this.#path));
      this.#readMs = now;
    }
    return this.#servers;
  }
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return "";
    throw thrown;
  }
}
