/**
 * @module
 * Registry authentication: Basic, and Docker's token protocol (OCI distribution-spec v1.1, "Authentication"; the token
 * and OAuth2 documents of distribution v2). Tokens are kept in memory only, per registry and scope. Credentials are
 * sent to their registry and its token realm only. Errors contain no secrets.
 */
import { TsdError } from "../../errors.ts";
import { parseChallenges } from "./challenge.ts";
import { plainText } from "./errors.ts";
import { checkTarget } from "./hosts.ts";
import type { Endpoint } from "./scheme.ts";

/** A user's credential for a registry. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, as `docker login` stores it. */
  | { readonly kind: "identity_token"; readonly token: string }
  /** A bearer token that is used as it is. */
  | { readonly kind: "registry_token"; readonly token: string };

/** A source of credentials. `domain` is that of references: `docker.io`, `localhost:5000`. */
export interface Credentials {
  forDomain(domain: string): Promise<Credential | undefined>;
}

/** A source without credentials. */
export const ANONYMOUS: Credentials = { forDomain: () => Promise.resolve(undefined) };

/** The response to a request for a small document; `bytes` has a limited size. */
export interface FetchedDocument {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Fetches from a token realm; redirects, retries and limits are up to the implementation. */
export type FetchToken = (
  request: { url: URL; headers: Record<string, string>; form?: string },
  endpoint: Endpoint,
) => Promise<FetchedDocument>;

/** A registry and the requested access. */
export interface Access {
  /** The domain of references. */
  readonly domain: string;
  readonly endpoint: Endpoint;
  /** Such as `repository:library/alpine:pull`; empty to authenticate only. */
  readonly scope: string;
  /** The caller's credential, preferred to {@link Credentials}. Tokens are never shared between credentials. */
  readonly credential?: Credential | undefined;
}

/** The result of a login. */
export interface Login {
  readonly header: string;
  /** A refresh token to use in place of the password. */
  readonly identityToken: string | undefined;
}

interface Grant {
  readonly header: string;
  readonly expiresAtMs: number;
  readonly refreshToken?: string | undefined;
}

const CLIENT_ID = "tsd";
/** The protocol's default lifetime of a token. */
const DEFAULT_LIFETIME_S = 60;
/** Tokens are renewed this long before they expire, so that they don't expire in transit. */
const MARGIN_MS = 5_000;
/** Maximum number of cached tokens. */
const MAX_GRANTS = 1000;

/** Provides the `Authorization` header for each registry and scope. */
export class Authorizer {
  readonly #credentials: Credentials;
  readonly #fetchToken: FetchToken;
  readonly #grants = new Map<string, Promise<Grant | undefined>>();

  constructor(credentials: Credentials, fetchToken: FetchToken) {
    this.#credentials = credentials;
    this.#fetchToken = fetchToken;
  }

  /** Returns the header for a first request; undefined before the registry has sent a challenge. */
  async header(access: Access): Promise<string | undefined> {
    const grant = await settled(this.#grants.get(keyOf(access)));
    return grant !== undefined && Date.now() < grant.expiresAtMs ? grant.header : undefined;
  }

  /**
   * Returns a new header after a 401, or undefined if the challenge can't be answered. Callers that failed with the
   * same header share one token request, which no single caller can cancel; it has a time limit.
   * @param refused the header that the registry rejected
   * @throws {TsdError} unauthorized, registry_protocol, and what the token request throws
   */
  async answer(access: Access, wwwAuthenticate: string, refused: string | undefined): Promise<string | undefined> {
    const key = keyOf(access);
    for (;;) {
      const current = this.#grants.get(key);
      const grant = await settled(current);
      if (grant !== undefined && grant.header !== refused && Date.now() < grant.expiresAtMs) return grant.header;
      if (this.#grants.get(key) === current) break; // Otherwise another caller started a request.
    }
    const request = this.#requestGrant(access, wwwAuthenticate);
    this.#cacheGrant(key, request);
    try {
      return (await request)?.header;
    } catch (error) {
      if (this.#grants.get(key) === request) this.#grants.delete(key);
      throw error;
    }
  }

  /**
   * Like {@link Authorizer.answer}, but asks for a refresh token as well; the result is not cached.
   * @throws {TsdError} as `answer`
   */
  async login(access: Access, wwwAuthenticate: string): Promise<Login | undefined> {
    const grant = await this.#requestGrant(access, wwwAuthenticate, true);
    return grant && { header: grant.header, identityToken: grant.refreshToken };
  }

  /** Evicts the oldest entry if there are too many; its users then request a new token. */
  #cacheGrant(key: string, request: Promise<Grant | undefined>): void {
    this.#grants.delete(key);
    this.#grants.set(key, request);
    const oldest = this.#grants.keys().next();
    if (this.#grants.size > MAX_GRANTS && !oldest.done) this.#grants.delete(oldest.value);
  }

  async #requestGrant(access: Access, wwwAuthenticate: string, offline = false): Promise<Grant | undefined> {
    const challenges = parseChallenges(wwwAuthenticate);
    const credential = access.credential ?? await this.#credentials.forDomain(access.domain);
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      if (credential?.kind === "registry_token") {
        return { header: bearerHeader(credential.token), expiresAtMs: Infinity };
      }
      return await this.#token(access, bearer.parameters, credential, offline);
    }
    if (challenges.some(({ scheme }) => scheme === "basic") && credential?.kind === "password") {
      return { header: basicHeader(credential), expiresAtMs: Infinity };
    }
    return undefined;
  }

  async #token(
    access: Access,
    parameters: ReadonlyMap<string, string>,
    credential: Exclude<Credential, { kind: "registry_token" }> | undefined,
    offline: boolean,
  ): Promise<Grant | undefined> {
    const realm = realmOf(parameters.get("realm"), access.endpoint.base);
    const request = tokenRequest(realm, {
      service: parameters.get("service"),
      scope: access.scope,
      credential,
      offline,
    });
    const document = await this.#fetchToken(request, access.endpoint);
    if (document.status === 401 || document.status === 403) {
      if (credential === undefined) return undefined;
      throw new TsdError(
        "unauthorized",
        `unauthorized: registry ${access.endpoint.base.host} does not accept the user name or password`,
      );
    }
    if (document.status !== 200) {
      throw new TsdError(
        "registry_protocol",
        `Cannot get a token for registry ${access.endpoint.base.host}: ${realm.host} answered ${document.status}`,
      );
    }
    return grantOf(document.bytes, realm.host);
  }
}

/**
 * The result of another caller's request. If that failed, the error is the other caller's, and this one sends a new
 * request.
 */
async function settled(request: Promise<Grant | undefined> | undefined): Promise<Grant | undefined> {
  const [outcome] = await Promise.allSettled([request]);
  return outcome.status === "fulfilled" ? outcome.value : undefined;
}

function keyOf({ endpoint, scope, credential }: Access): string {
  return `${endpoint.base.origin} ${scope} ${credential === undefined ? "" : JSON.stringify(credential)}`;
}

function realmOf(text: string | undefined, registry: URL): URL {
  const realm = URL.parse(text ?? "");
  if (realm === null) {
    const shown = plainText(text ?? "").slice(0, 100);
    throw new TsdError("registry_protocol", `Registry ${registry.host} names no usable token realm: "${shown}"`);
  }
  checkTarget(realm, "the token realm", registry);
  return realm;
}

function tokenRequest(
  realm: URL,
  { service, scope, credential, offline }: {
    readonly service: string | undefined;
    readonly scope: string;
    readonly credential: Exclude<Credential, { kind: "registry_token" }> | undefined;
    readonly offline: boolean;
  },
): { url: URL; headers: Record<string, string>; form?: string } {
  const url = new URL(realm);
  if (credential?.kind === "identity_token") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: credential.token,
      client_id: CLIENT_ID,
      ...(scope === "" ? {} : { scope }),
      ...(service === undefined ? {} : { service }),
    });
    return { url, headers: {}, form: form.toString() };
  }
  if (service !== undefined) url.searchParams.set("service", service);
  if (scope !== "") url.searchParams.set("scope", scope);
  if (credential === undefined) return { url, headers: {} };
  url.searchParams.set("account", credential.username);
  if (offline) {
    url.searchParams.set("offline_token", "true");
    url.searchParams.set("client_id", CLIENT_ID);
  }
  return { url, headers: { authorization: basicHeader(credential) } };
}

function grantOf(bytes: Uint8Array, host: string): Grant {
  const unusable = (why: string, cause?: unknown) =>
    new TsdError("registry_protocol", `Cannot use the answer of token service ${host}: ${why}`, { cause });
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown; refresh_token?: unknown } | null;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw unusable("it is not JSON", error);
  }
  const token = answer?.token || answer?.access_token;
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) throw unusable("it has no token");
  const expiresInS = answer?.expires_in;
  const lifetimeS = typeof expiresInS === "number" && expiresInS > DEFAULT_LIFETIME_S ? expiresInS : DEFAULT_LIFETIME_S;
  const refreshToken = typeof answer?.refresh_token === "string" ? answer.refresh_token : undefined;
  return { header: bearerHeader(token), expiresAtMs: Date.now() + lifetimeS * 1000 - MARGIN_MS, refreshToken };
}

const bearerHeader = (token: string): string => `Bearer ${token}`;

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}
