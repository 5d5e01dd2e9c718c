/**
 * @module
 * `POST /auth`: checks a user's credentials with a registry.
 */
import { TsdError } from "../../errors.ts";
import { DEFAULT_DOMAIN } from "../../image/reference.ts";
import type { RegistryClient } from "../../image/registry/mod.ts";
import { authConfig, credentialIn } from "../http/registry_auth.ts";
import { json, type Reply } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import type { AuthResponse } from "../../api_types/mod.ts";

/** The registry client, as far as it is used here. */
export type LoginService = Pick<RegistryClient, "login">;

export function authRoutes(
  { images: { registry } }: { readonly images: { readonly registry: LoginService } },
): Route[] {
  return [{ method: "POST", path: "/auth", since: "1.24", handler: (request) => login(registry, request) }];
}

async function login(registry: LoginService, request: ApiRequest): Promise<Reply> {
  const body = await request.json();
  const { serveraddress = "" } = authConfig(body, "login");
  const credential = credentialIn(body, "login");
  if (credential === undefined) throw new TsdError("unauthorized", "login needs a user name or a token");
  const identityToken = await registry.login(domainOf(serveraddress), credential, request.signal);
  return json({ Status: "Login Succeeded", IdentityToken: identityToken ?? "" } satisfies AuthResponse);
}

/**
 * Returns the registry's domain. Docker's clients send the URL of its index, others send host names, both with or
 * without scheme and path.
 */
export function domainOf(serverAddress: string): string {
  const host = serverAddress.replace(/^https?:\/\//, "").split("/", 1)[0];
  const isIndex = ["", "docker.io", "index.docker.io", "registry-1.docker.io"].includes(host);
  return isIndex ? DEFAULT_DOMAIN : host;
}
