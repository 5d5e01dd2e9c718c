/**
 * @module
 * Getting in: Basic, and Docker's token protocol (OCI distribution-spec v1.1, "Authentication"; the token and OAuth2
 * documents of distribution v2). Tokens live in memory only, per registry and scope. Credentials go to the registry they
 * belong to and to the token realm that it names, nowhere else. No secret is put into an error.
 */
import { TsdError } from "../../errors.ts";
import { parseChallenges } from "./challenge.ts";
import { plainText } from "./errors.ts";
import { checkTarget } from "./hosts.ts";
import type { Endpoint } from "./scheme.ts";

/** How a user identifies to one registry. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, as `docker login` stores it. */
  | { readonly kind: "identity_token"; readonly token: string }
  /** A finished bearer token. */
  | { readonly kind: "registry_token"; readonly token: string };

/** Where credentials come from. `domain` is as in references: `docker.io`, `localhost:5000`. */
export interface Credentials {
  forDomain(domain: string): Promise<Credential | undefined>;
}

/** The whole world's credentials: none. */
export const ANONYMOUS: Credentials = { forDomain: () => Promise.resolve(undefined) };

/** A small document that was asked for; `bytes` is bounded. */
export interface FetchedDocument {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Fetches from a token realm: redirects, retries and limits are the fetcher's business. */
export type FetchToken = (
  request: { url: URL; headers: Record<string, string>; form?: string },
  endpoint: Endpoint,
) => Promise<FetchedDocument>;

/** A registry, and what we want to do there. */
export interface Access {
  /** As in references. */
  readonly domain: string;
  readonly endpoint: Endpoint;
  /** `repository:library/alpine:pull`; empty to be known and nothing else. */
  readonly scope: string;
  /** Whoever asks. Goes before what {@link Credentials} knows; tokens are never shared between credentials. */
  readonly credential?: Credential | undefined;
}

/** What a log-in gave. */
export interface Login {
  readonly header: string;
  /** A refresh token that can stand for the password from now on. */
  readonly identityToken: string | undefined;
}

interface Grant {
  readonly header: string;
  readonly expiresAtMs: number;
  readonly refreshToken?: string | undefined;
}

const CLIENT_ID = "tsd";
/** The protocol's default when a token doesn't say. */
const DEFAULT_LIFETIME_S = 60;
/** A token is renewed this long before it ends, so that it doesn't end on its way. */
const MARGIN_MS = 5_000;
/** Most tokens that are remembered. */
const MAX_GRANTS = 1000;

/** Knows the `Authorization` header for each registry and scope. */
export class Authorizer {
  readonly #credentials: Credentials;
  readonly #fetchToken: FetchToken;
  readonly #grants = new Map<string, Promise<Grant | undefined>>();

  constructor(credentials: Credentials, fetchToken: FetchToken) {
    this.#credentials = credentials;
    this.#fetchToken = fetchToken;
  }

  /** The header to send with a first request; undefined as long as nothing was asked of us. */
  async header(access: Access): Promise<string | undefined> {
    const grant = await settled(this.#grants.get(keyOf(access)));
    return grant !== undefined && Date.now() < grant.expiresAtMs ? grant.header : undefined;
  }

  /**
   * A new header after a 401; undefined when there is nothing to answer with. Callers that failed with the same old
   * header share one token request, which therefore no single caller can cancel; it is bounded in time.
   * @param refused the header that the registry didn't take
   * @throws {TsdError} unauthorized, registry_protocol, and what the token request throws
   */
  async answer(access: Access, wwwAuthenticate: string, refused: string | undefined): Promise<string | undefined> {
    const key = keyOf(access);
    for (;;) {
      const present = this.#grants.get(key);
      const grant = await settled(present);
      if (grant !== undefined && grant.header !== refused && Date.now() < grant.expiresAtMs) return grant.header;
      if (this.#grants.get(key) === present) break; // Else somebody has begun to ask meanwhile.
    }
    const asking = this.#ask(access, wwwAuthenticate);
    this.#keep(key, asking);
    try {
      return (await asking)?.header;
    } catch (error) {
      if (this.#grants.get(key) === asking) this.#grants.delete(key);
      throw error;
    }
  }

  /**
   * The same for a user who wants to be known from now on; nothing is kept here.
   * @throws {TsdError} as `answer`
   */
  async login(access: Access, wwwAuthenticate: string): Promise<Login | undefined> {
    const grant = await this.#ask(access, wwwAuthenticate, true);
    return grant && { header: grant.header, identityToken: grant.refreshToken };
  }

  /** The oldest go when there are many: their owners ask anew. */
  #keep(key: string, asking: Promise<Grant | undefined>): void {
    this.#grants.delete(key);
    this.#grants.set(key, asking);
    const oldest = this.#grants.keys().next();
    if (this.#grants.size > MAX_GRANTS && !oldest.done) this.#grants.delete(oldest.value);
  }

  async #ask(access: Access, wwwAuthenticate: string, offline = false): Promise<Grant | undefined> {
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

/** What somebody else's request gave. When it failed, that was their error: whoever waits here asks anew. */
async function settled(asking: Promise<Grant | undefined> | undefined): Promise<Grant | undefined> {
  const [outcome] = await Promise.allSettled([asking]);
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
  const given = answer?.expires_in;
  const lifetimeS = typeof given === "number" && given > DEFAULT_LIFETIME_S ? given : DEFAULT_LIFETIME_S;
  const refreshToken = typeof answer?.refresh_token === "string" ? answer.refresh_token : undefined;
  return { header: bearerHeader(token), expiresAtMs: Date.now() + lifetimeS * 1000 - MARGIN_MS, refreshToken };
}

const bearerHeader = (token: string): string => `Bearer ${token}`;

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}
