/**
 * @module
 * Sends requests to registries: chooses the scheme, follows redirects, authenticates and retries. An instance remembers
 * what it learnt about each registry (scheme, tokens) and may be shared by all pulls.
 */
import { type ErrorCode, isTsdError, TsdError } from "../../errors.ts";
import { cancelQuietly, collectBytes, throwIfCancelled, untilCancelled } from "../../io/mod.ts";
import type { Log } from "../../log.ts";
import { apiHost, type Reference } from "../reference.ts";
import {
  type Access,
  Authorizer,
  type Credential,
  type Credentials,
  type FetchedDocument,
  type FetchToken,
} from "./auth.ts";
import { withFailureCallback, withStallDetection } from "./body.ts";
import { networkError } from "./errors.ts";
import { checkTarget } from "./hosts.ts";
import { Mirrors } from "./mirrors.ts";
import { afterRedirect, type HttpPayload, MAX_REDIRECTS, REDIRECTS, redirectTarget } from "./redirects.ts";
import { isTransient, pause, pauseMs, type RegistryLimits, retryAfterMs, withDeadline } from "./retry.ts";
import { type Endpoint, Endpoints, type EndpointSettings } from "./scheme.ts";
import type { RegistrySettings } from "./settings.ts";
import { sendWithin } from "./send.ts";

/** The credential and the lifetime of requests to a registry. */
export interface PullOptions {
  /** Without a credential requests are anonymous. */
  readonly credential?: Credential | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A request to a registry. */
export interface RegistryRequest extends PullOptions {
  readonly ref: Pick<Reference, "domain" | "path">;
  /** Path below `/v2/<repository>/`, such as `manifests/latest`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A response with a stall-checked body; `host` is the one that finally sent it. */
export interface RegistryResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array>;
  readonly host: string;
}

/** Maximum size of a document, and the error for a larger one. */
export interface DocumentBound {
  readonly maxBytes: number;
  readonly what: string;
  readonly code: ErrorCode;
}

/** Maximum size of a token or an error's body, in bytes. */
const MAX_SMALL_BYTES = 1024 * 1024;
const TOKEN_BOUND = { maxBytes: MAX_SMALL_BYTES, what: "a token", code: "registry_protocol" } as const;

/** Sends requests to registries and their mirrors. */
export class RegistryTransport {
  readonly #endpoints: Endpoints;
  readonly #mirrors: Mirrors;
  readonly #authorizer: Authorizer;
  readonly #limits: RegistryLimits;
  readonly #log: Log;

  constructor(options: {
    readonly credentials: Credentials;
    readonly settings: EndpointSettings & Pick<RegistrySettings, "mirrors">;
    readonly limits: RegistryLimits;
    readonly log: Log;
  }) {
    this.#limits = options.limits;
    this.#log = options.log;
    this.#endpoints = new Endpoints(options.settings, options.limits.responseMs);
    this.#mirrors = new Mirrors(options.settings.mirrors);
    const fetchToken: FetchToken = ({ url, headers, form }, endpoint) => {
      const open = (signal: AbortSignal) => this.#follow(endpoint, url, headers, signal, form);
      return this.#document(url.host, TOKEN_BOUND, undefined, open);
    };
    this.#authorizer = new Authorizer(options.credentials, fetchToken);
  }

  /**
   * Sends a request and returns the response, whatever its status. Doesn't retry: `document` and downloads do.
   * @throws {TsdError} registry_unreachable, registry_protocol, unauthorized, timeout, cancelled, invalid_reference
   */
  async open(request: RegistryRequest): Promise<RegistryResponse> {
    for (const mirror of this.#mirrors.of(request.ref.domain)) {
      const response = await this.#openMirror(mirror, request);
      if (response !== undefined) return response;
    }
    const host = apiHost(request.ref);
    const endpoint = await untilCancelled(this.#endpoints.of(host), request.signal);
    try {
      return await this.#openAt(endpoint, request.ref.domain, request);
    } catch (error) {
      if (isTsdError(error) && error.detail?.untrusted === true) this.#endpoints.forget(host);
      throw error;
    }
  }

  /**
   * Sends a request to a mirror, without the registry's credentials. Returns undefined if the mirror can't serve it.
   */
  async #openMirror(mirror: URL, request: RegistryRequest): Promise<RegistryResponse | undefined> {
    const why = (text: string) => this.#log.info("a mirror can't help", { mirror: mirror.origin, why: text });
    try {
      const endpoint = await untilCancelled(this.#endpoints.at(mirror), request.signal);
      const response = await this.#openAt(endpoint, mirror.host, { ...request, credential: undefined });
      if (response.status === 200 || response.status === 206 || response.status === 416) {
        // If this body fails, the remaining bytes come from the registry.
        return { ...response, body: withFailureCallback(response.body, () => this.#mirrors.suspend(mirror)) };
      }
      await response.body.cancel();
      why(`status ${response.status} for ${request.path}`);
    } catch (error) {
      throwIfCancelled(request.signal);
      if (!isTsdError(error)) throw error;
      if (isTsdError(error, "registry_unreachable", "timeout")) this.#mirrors.suspend(mirror);
      why(error.message);
    }
    return undefined;
  }

  /** @param domain the domain whose credentials are used */
  async #openAt(
    endpoint: Endpoint,
    domain: string,
    { ref, path, headers = {}, credential, signal }: RegistryRequest,
  ): Promise<RegistryResponse> {
    const url = new URL(`v2/${ref.path}/${path}`, endpoint.base);
    const access: Access = { domain, endpoint, scope: `repository:${ref.path}:pull`, credential };
    const cachedHeader = await untilCancelled(this.#authorizer.header(access), signal);
    const first = await this.#follow(endpoint, url, withAuthorization(headers, cachedHeader), signal);
    const challenge = first.headers.get("www-authenticate");
    // A 401 after a redirect to another host isn't the registry's challenge and is not answered.
    if (first.status !== 401 || challenge === null || first.host !== endpoint.base.host) return first;
    const header = await orCancel(
      first.body,
      untilCancelled(this.#authorizer.answer(access, challenge, cachedHeader), signal),
    );
    if (header === undefined) return first;
    await first.body.cancel();
    return await this.#follow(endpoint, url, withAuthorization(headers, header), signal);
  }

  /**
   * Fetches a small document as a whole, and retries after transient failures of the server or the network. Of a
   * response that isn't 200, at most 1 MiB of the body is read.
   * @throws {TsdError} as `open`, and the bound's code
   */
  async document(request: RegistryRequest & DocumentBound): Promise<FetchedDocument> {
    const open = (signal: AbortSignal) => this.open({ ...request, signal });
    return await this.#document(apiHost(request.ref), request, request.signal, open);
  }

  /** Implements `RegistryClient.login`. */
  async login(domain: string, credential: Credential, signal?: AbortSignal): Promise<string | undefined> {
    const host = apiHost({ domain });
    return await withDeadline(this.#limits.documentMs, signal, async (bounded) => {
      const endpoint = await untilCancelled(this.#endpoints.of(host), bounded);
      const url = new URL("v2/", endpoint.base);
      const first = await this.#follow(endpoint, url, {}, bounded);
      await first.body.cancel();
      if (first.status === 200) return undefined;
      const challenge = first.headers.get("www-authenticate");
      const login = first.status === 401 && challenge !== null
        ? await this.#authorizer.login({ domain, endpoint, scope: "", credential }, challenge)
        : undefined;
      const last = login === undefined
        ? first
        : await this.#follow(endpoint, url, withAuthorization({}, login.header), bounded);
      await last.body.cancel();
      if (last.status !== 200) throw loginRefused(url, last.status);
      return login?.identityToken;
    });
  }

  /** Requests a URL outside of the registry that a manifest names (foreign layers), without credentials. */
  async openExternal(
    ref: Pick<Reference, "domain">,
    target: URL,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<RegistryResponse> {
    const endpoint = await untilCancelled(this.#endpoints.of(apiHost(ref)), signal);
    checkTarget(target, "a layer URL", endpoint.base);
    return await this.#follow(endpoint, target, headers, signal);
  }

  async #document(
    host: string,
    bound: DocumentBound,
    signal: AbortSignal | undefined,
    open: (signal: AbortSignal) => Promise<RegistryResponse>,
  ): Promise<FetchedDocument> {
    return await withDeadline(this.#limits.documentMs, signal, async (bounded) => {
      for (let attempt = 1;; attempt++) {
        const outcome = await this.#attempt(open, bound, bounded, host);
        const waitMs = this.#pauseAfter(outcome, attempt);
        if (waitMs === undefined) {
          if ("error" in outcome) throw outcome.error;
          return outcome;
        }
        const why = "error" in outcome ? outcome.error.message : `status ${outcome.status}`;
        this.#log.info("asking a registry again", { host, attempt, waitMs: Math.round(waitMs), why });
        await pause(waitMs, bounded);
      }
    });
  }

  /** Returns the delay before the next attempt in ms, or undefined if a retry can't help. */
  #pauseAfter(outcome: FetchedDocument | { error: TsdError }, attempt: number): number | undefined {
    if ("error" in outcome) return isRepeatable(outcome.error) ? pauseMs(attempt, this.#limits) : undefined;
    if (!isTransient(outcome.status)) return undefined;
    return pauseMs(attempt, this.#limits, retryAfterMs(outcome.headers));
  }

  async #attempt(
    open: (signal: AbortSignal) => Promise<RegistryResponse>,
    { maxBytes, what, code }: DocumentBound,
    signal: AbortSignal,
    host: string,
  ): Promise<FetchedDocument | { error: TsdError }> {
    try {
      const { status, headers, body } = await open(signal);
      const limit = status === 200 ? maxBytes : MAX_SMALL_BYTES;
      const bytes = await collectBytes(body, { maxBytes: limit, what, code });
      return { status, headers, bytes };
    } catch (error) {
      throwIfCancelled(signal);
      return { error: networkError(host, error) };
    }
  }

  async #follow(
    endpoint: Endpoint,
    start: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    form?: string,
  ): Promise<RegistryResponse> {
    let url = start;
    let sent: HttpPayload = { headers, form };
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const send = this.#endpoints.sendFor(url, endpoint);
      const response = await sendWithin(send, { url, ...sent, signal }, this.#limits.responseMs);
      if (!REDIRECTS.includes(response.status)) return this.#response(response, url);
      await response.body?.cancel();
      const next = redirectTarget(response, url);
      checkTarget(next, "a redirect", endpoint.base);
      if (next.protocol === "http:" && url.protocol === "https:") checkTarget(next, "a redirect", url);
      sent = afterRedirect(sent, next.origin === url.origin);
      url = next;
    }
    throw new TsdError(
      "registry_protocol",
      `Registry ${endpoint.base.host} redirects more than ${MAX_REDIRECTS} times`,
    );
  }

  #response(response: Response, url: URL): RegistryResponse {
    const { status, headers } = response;
    const body = response.body === null
      ? new Blob().stream()
      : withStallDetection(response.body, this.#limits, url.host);
    return { status, headers, body, host: url.host };
  }
}

/** Awaits `work`; if it fails, cancels `body`. */
async function orCancel<T>(body: ReadableStream<Uint8Array>, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await cancelQuietly(body, error);
    throw error;
  }
}

function withAuthorization(headers: Readonly<Record<string, string>>, value: string | undefined) {
  return value === undefined ? headers : { ...headers, authorization: value };
}

/** The error of a failed login, with Docker's text. */
function loginRefused(url: URL, status: number): TsdError {
  const words = status === 401 ? "401 Unauthorized" : String(status);
  const code = status === 401 || status === 403 ? "unauthorized" : "registry_protocol";
  return new TsdError(code, `login attempt to ${url.href} failed with status: ${words}`);
}

/** Returns whether a retry may succeed soon; not if no connection could be made at all. */
function isRepeatable(error: TsdError): boolean {
  return isTsdError(error, "registry_unreachable") && error.detail?.connected !== false;
}
