/**
 * @module
 * HTTPS or plain HTTP? HTTPS with a verified certificate, always, except for registries on this machine and those that
 * the user named as insecure: there, as in Docker, HTTPS with any certificate comes next and plain HTTP last.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import { isLoopbackHost } from "./hosts.ts";
import { readCertificates } from "./certificates.ts";
import { InsecureHosts } from "./insecure_hosts.ts";
import { pause } from "./retry.ts";
import { type HttpSend, nodeSend, sendWithin, unverifiedSend, verifiedSend } from "./send.ts";
import type { RegistrySettings } from "./settings.ts";

/** How to talk to one registry. */
export interface Endpoint {
  /** `https://host:port/`. */
  readonly base: URL;
  readonly send: HttpSend;
  /** For other hosts that this registry sends us to: they may have certificates of the same authority. */
  readonly sendElsewhere?: HttpSend;
  /** The same without verifying certificates. */
  readonly sendUnverified: HttpSend;
}

/** What matters of the settings here. */
export type EndpointSettings = Pick<RegistrySettings, "insecureRegistries" | "certificates" | "certificateDirs">;

/**
 * A plain-HTTP server that isn't bothered by a TLS greeting may just wait for more: after this long it is asked in plain
 * HTTP too. Loopback answers at once, or doesn't speak TLS.
 */
const LOOPBACK_TIMEOUT_MS = 150;
const TIMEOUT_MS = 5_000;
/** What servers that expect TLS say to plain HTTP. */
const NEEDS_TLS_STATUS = 400;

/** Finds out once for each host; failures are not kept. */
export class Endpoints {
  readonly #settings: EndpointSettings;
  readonly #insecure: InsecureHosts;
  readonly #responseMs: number;
  readonly #known = new Map<string, Promise<Endpoint>>();

  constructor(settings: EndpointSettings, responseMs: number) {
    this.#settings = settings;
    this.#insecure = new InsecureHosts(settings.insecureRegistries);
    this.#responseMs = responseMs;
  }

  /** A mirror says its scheme; HTTPS is as for any host. @throws {TsdError} as `of` */
  at(origin: URL): Promise<Endpoint> {
    return origin.protocol === "http:"
      ? Promise.resolve({ base: new URL("/", origin), send: verifiedSend, sendUnverified: unverifiedSend })
      : this.of(origin.host);
  }

  /** What was learnt of a host may hold no longer: its certificates are read anew. */
  forget(host: string): void {
    this.#known.delete(host);
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
    if (url.protocol !== "https:") return verifiedSend;
    return url.hostname === from.base.hostname ? from.send : from.sendElsewhere ?? verifiedSend;
  }

  async #find(host: string): Promise<Endpoint> {
    const secure = await this.#secure(host);
    if (!this.#mayBeInsecure(host)) return secure;
    const stop = new AbortController();
    try {
      const tls = this.#findTls(secure, stop.signal);
      const timeoutMs = isLoopbackHost(host) ? LOOPBACK_TIMEOUT_MS : TIMEOUT_MS;
      const early = await Promise.race([tls, pause(timeoutMs, stop.signal)]);
      if (early?.endpoint !== undefined) return early.endpoint;
      return await this.#findPlain(host, tls, stop.signal);
    } finally {
      stop.abort();
    }
  }

  /** HTTPS with what we know of the host's certificates. */
  async #secure(host: string): Promise<Endpoint> {
    const base = baseUrl("https", host);
    const tls = await readCertificates(host, this.#settings);
    if (tls === undefined) return { base, send: verifiedSend, sendUnverified: unverifiedSend };
    return {
      base,
      send: nodeSend(tls),
      sendElsewhere: nodeSend({ authorities: tls.authorities }),
      sendUnverified: nodeSend({ ...tls, unverified: true }),
    };
  }

  /** Plain HTTP, unless that fails and TLS comes about after all. */
  async #findPlain(host: string, tls: Promise<{ endpoint?: Endpoint }>, signal: AbortSignal): Promise<Endpoint> {
    const plain = { base: baseUrl("http", host), send: verifiedSend, sendUnverified: unverifiedSend };
    try {
      if (await this.#probe(plain, signal) !== NEEDS_TLS_STATUS) return plain;
    } catch (error) {
      const { endpoint } = await tls;
      if (endpoint === undefined) throw error;
      return endpoint;
    }
    return (await tls).endpoint ?? plain;
  }

  /** With a verified certificate, with any, or not at all. */
  async #findTls(secure: Endpoint, signal: AbortSignal): Promise<{ endpoint?: Endpoint }> {
    try {
      await this.#probe(secure, signal);
      return { endpoint: secure };
    } catch (error) {
      if (!isTsdError(error, "registry_unreachable", "timeout", "cancelled")) throw error;
      return error.detail?.untrusted === true ? { endpoint: { ...secure, send: secure.sendUnverified } } : {};
    }
  }

  #mayBeInsecure(host: string): boolean {
    return isLoopbackHost(host) || this.#insecure.has(host);
  }

  async #probe({ base, send }: Endpoint, signal: AbortSignal): Promise<number> {
    const response = await sendWithin(send, { url: new URL("v2/", base), headers: {}, signal }, this.#responseMs);
    await response.body?.cancel();
    return response.status;
  }
}

function baseUrl(scheme: string, host: string): URL {
  const url = URL.parse(`${scheme}://${host}/`);
  if (url === null) throw new TsdError("invalid_reference", `invalid reference format: no such registry ${host}`);
  return url;
}
