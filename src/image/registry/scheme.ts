/**
 * @module
 * Chooses between HTTPS and plain HTTP: always HTTPS with a verified certificate, except for registries on this machine
 * and those configured as insecure. For these, as in Docker, HTTPS with any certificate is tried next and plain HTTP
 * last.
 */
import { isTsdError, TsdError } from "../../errors.ts";
import { isLoopbackHost } from "./hosts.ts";
import { readCertificates } from "./certificates.ts";
import { InsecureHosts } from "./insecure_hosts.ts";
import { pause } from "./retry.ts";
import { type HttpSend, nodeSend, sendWithin, unverifiedSend, verifiedSend } from "./send.ts";
import type { RegistrySettings } from "./settings.ts";

/** How to access a registry. */
export interface Endpoint {
  /** `https://host:port/`. */
  readonly base: URL;
  readonly send: HttpSend;
  /** For other hosts that this registry redirects to: their certificates may be issued by the same CA. */
  readonly sendElsewhere?: HttpSend;
  /** The same without verifying certificates. */
  readonly sendUnverified: HttpSend;
}

/** The settings that determine a registry's endpoint. */
export type EndpointSettings = Pick<RegistrySettings, "insecureRegistries" | "certificates" | "certificateDirs">;

/**
 * A plain-HTTP server may ignore a TLS handshake and wait for more data: after this delay plain HTTP is tried as well.
 * Loopback servers that use TLS respond at once.
 */
const LOOPBACK_TIMEOUT_MS = 150;
const TIMEOUT_MS = 5_000;
/** The response of a TLS server to plain HTTP. */
const NEEDS_TLS_STATUS = 400;

/** Probes each host once and caches the result; failures are not cached. */
export class Endpoints {
  readonly #settings: EndpointSettings;
  readonly #insecure: InsecureHosts;
  readonly #responseMs: number;
  readonly #endpoints = new Map<string, Promise<Endpoint>>();

  constructor(settings: EndpointSettings, responseMs: number) {
    this.#settings = settings;
    this.#insecure = new InsecureHosts(settings.insecureRegistries);
    this.#responseMs = responseMs;
  }

  /**
   * Returns a mirror's endpoint. Its origin determines the scheme; HTTPS works as for any host.
   * @throws {TsdError} as `of`
   */
  at(origin: URL): Promise<Endpoint> {
    return origin.protocol === "http:"
      ? Promise.resolve({ base: new URL("/", origin), send: verifiedSend, sendUnverified: unverifiedSend })
      : this.of(origin.host);
  }

  /** Forgets what was learnt about a host, so that its certificates are read again. */
  forget(host: string): void {
    this.#endpoints.delete(host);
  }

  /** Returns the endpoint of a host. @throws {TsdError} invalid_reference, registry_unreachable, timeout */
  of(host: string): Promise<Endpoint> {
    const cached = this.#endpoints.get(host);
    if (cached !== undefined) return cached;
    const probing = this.#find(host);
    this.#endpoints.set(host, probing);
    probing.catch(() => this.#endpoints.delete(host));
    return probing;
  }

  /** Returns how to send to a URL that an endpoint redirected to. */
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

  /** Returns an HTTPS endpoint with the host's configured certificates. */
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

  /** Returns a plain-HTTP endpoint, unless that fails and TLS works after all. */
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

  /** Probes TLS with a verified certificate, then with any; the result is empty if neither works. */
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
