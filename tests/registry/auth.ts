/** Authentication of the scripted registry (distribution's token authentication, and Basic). */
import { errorReply, type Reply, textReply } from "./reply.ts";
import type { HttpRequest } from "./http_exchange.ts";

export interface BearerAuth {
  readonly kind: "bearer";
  /** The URL of the token endpoint; default: `/token` of this registry. Malicious ones go here. */
  readonly realm?: string;
  readonly service?: string;
  /** The whole WWW-Authenticate header; default: built from the other fields. */
  readonly challenge?: string;
  /** A token is valid for that many requests; default: any number. */
  readonly tokenUses?: number;
  /** Required at the token endpoint; without it tokens are anonymous. */
  readonly account?: { readonly user: string; readonly password: string };
  /** Accepted by `POST /token` with grant_type=refresh_token. */
  readonly refreshToken?: string;
  /** Whether a request with offline_token=true gets the refresh token. */
  readonly issuesRefreshToken?: boolean;
  /** The name of the field in the response. */
  readonly tokenField?: "token" | "access_token";
}

export interface BasicAuth {
  readonly kind: "basic";
  readonly account: { readonly user: string; readonly password: string };
}

export type RegistryAuth = BearerAuth | BasicAuth;

/** Authorizes requests, and issues tokens. */
export class Gate {
  readonly #auth: RegistryAuth | undefined;
  readonly #url: string;
  readonly #tokens = new Map<string, { scope: string; usesLeft: number }>();

  constructor(auth: RegistryAuth | undefined, url: string) {
    this.#auth = auth;
    this.#url = url;
  }

  /** Returns the refusal, or undefined if the request is authorized. */
  refuse(request: HttpRequest): Reply | undefined {
    const auth = this.#auth;
    if (!auth) return undefined;
    const given = request.headers.authorization ?? "";
    if (auth.kind === "basic") {
      if (given === basic(auth.account)) return undefined;
      return errorReply(401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="registry"' });
    }
    const scope = scopeOf(request.path);
    const token = this.#tokens.get(given.replace(/^Bearer /, ""));
    if (token && token.usesLeft > 0 && (scope === "" || token.scope.includes(scope))) {
      token.usesLeft--;
      return undefined;
    }
    return errorReply(401, "UNAUTHORIZED", { "www-authenticate": this.#challenge(auth, scope, given !== "") });
  }

  /** Returns the token endpoint's response if the request is for it. */
  token(request: HttpRequest): Reply | undefined {
    const auth = this.#auth;
    if (auth?.kind !== "bearer" || request.path !== "/token") return undefined;
    const form = request.method === "POST"
      ? new URLSearchParams(new TextDecoder().decode(request.body))
      : request.query;
    if (!this.#knows(auth, request, form)) return errorReply(401, "UNAUTHORIZED");
    const token = `token-${this.#tokens.size + 1}`;
    this.#tokens.set(token, { scope: form.getAll("scope").join(" "), usesLeft: auth.tokenUses ?? Infinity });
    const offline = auth.issuesRefreshToken && form.get("offline_token") === "true";
    return textReply(
      200,
      JSON.stringify({
        [auth.tokenField ?? "token"]: token,
        expires_in: 60,
        ...offline && { refresh_token: auth.refreshToken },
      }),
    );
  }

  #knows(auth: BearerAuth, request: HttpRequest, form: URLSearchParams): boolean {
    if (request.method === "POST" && form.get("grant_type") === "refresh_token") {
      return auth.refreshToken !== undefined && form.get("refresh_token") === auth.refreshToken;
    }
    return !auth.account || request.headers.authorization === basic(auth.account);
  }

  #challenge(auth: BearerAuth, scope: string, wasGiven: boolean): string {
    if (auth.challenge) return auth.challenge;
    const fields: Record<string, string> = {
      realm: auth.realm ?? `${this.#url}/token`,
      service: auth.service ?? "scripted",
      ...scope ? { scope } : {},
      ...wasGiven ? { error: "invalid_token" } : {},
    };
    return `Bearer ${Object.entries(fields).map(([name, value]) => `${name}="${value}"`).join(",")}`;
  }
}

function basic({ user, password }: { readonly user: string; readonly password: string }): string {
  return `Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}`;
}

function scopeOf(path: string): string {
  const [, repo] = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(path) ?? [];
  return repo ? `repository:${repo}:pull` : "";
}
