/**
 * @module
 * HTTPS or plain HTTP? HTTPS with a verified certificate, always, except for registries on this machine and those that
 * the user named as insecure: there, as in Docker, HTTPS with any certificate comes next and plain HTTP last.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import { hostnameOf, isLoopbackHost } from "./hosts.ts";
import { fetchSend, type HttpSend, sendWithin, unverifiedSend } from "./send.ts";

/** How to talk to one registry. */
export interface Endpoint {
  /** `https://host:port/`. */
  readonly base: URL;
  readonly send: HttpSend;
}

/** A plain-HTTP server that isn't bothered by a TLS greeting may just wait for more. */
const PROBE_MS = 2_000;

/** Finds out once for each host; failures are not kept. */
export class Endpoints {
  readonly #insecure: ReadonlySet<string>;
  readonly #responseMs: number;
  readonly #known = new Map<string, Promise<Endpoint>>();

  /** `insecure` are hosts, with or without port. */
  constructor(insecure: readonly string[], responseMs: number) {
    this.#insecure = new Set(insecure.map((host) => host.toLowerCase()));
    this.#responseMs = responseMs;
  }

  /** @throws {TsdError} invalid_reference, registry_unreachable, timeout */
  of(host: string): Promise<Endpoint> {
    const known = this.#known.get(host);
    if (known !== undefined) return known;
    const finding = this.#find(host);
    this.#known.set(host, finding);
    finding.catch(() => this.#known.delete(host));
    return finding;
  }

  /** How to send to a URL that a known endpoint sent us to. */
  sendFor(url: URL, from: Endpoint): HttpSend {
    return url.hostname === from.base.hostname && url.protocol === "https:" ? from.send : fetchSend;
  }

  async #find(host: string): Promise<Endpoint> {
    const secure = { base: baseUrl("https", host), send: fetchSend };
    if (!this.#mayBeInsecure(host)) return secure;
    try {
      await this.#probe(secure, PROBE_MS);
      return secure;
    } catch (error) {
      if (!isTsdError(error, "registry_unreachable", "timeout")) throw error;
      const unverified = error.detail?.untrusted === true;
      const other = unverified
        ? { base: secure.base, send: unverifiedSend }
        : { base: baseUrl("http", host), send: fetchSend };
      await this.#probe(other, this.#responseMs);
      return other;
    }
  }

  #mayBeInsecure(host: string): boolean {
    return isLoopbackHost(host) || this.#insecure.has(host.toLowerCase()) || this.#insecure.has(hostnameOf(host));
  }

  async #probe({ base, send }: Endpoint, withinMs: number): Promise<void> {
    const response = await sendWithin(send, { url: new URL("v2/", base), headers: {} }, withinMs);
    await response.body?.cancel();
  }
}

function baseUrl(scheme: string, host: string): URL {
  const url = URL.parse(`${scheme}://${host}/`);
  if (url === null) throw new TsdError("invalid_reference", `invalid reference format: no such registry ${host}`);
  return url;
}
