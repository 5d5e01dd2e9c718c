/**
 * @module
 * A user's registry credentials as sent by clients: Docker's `AuthConfig`, as the body of `POST /auth` or
 * base64-encoded in the header `X-Registry-Auth`. Errors never contain any of it.
 */
import { TsdError } from "../../errors.ts";
import { decode, type Shape } from "../../json/decode.ts";
import type { Credential } from "../../image/registry/mod.ts";
import type { AuthConfig } from "../../api_types/mod.ts";

/** The header's name in lower case. */
export const REGISTRY_AUTH = "x-registry-auth";

/**
 * Decodes the header's credential; undefined is anonymous. Clients use both base64 alphabets, with or without padding.
 * @throws {TsdError} invalid_argument
 */
export function credentialOf(header: string | undefined): Credential | undefined {
  const text = header?.trim() ?? "";
  if (text === "") return undefined;
  return credentialIn(decoded(text), "X-Registry-Auth header");
}

/**
 * Converts a decoded `AuthConfig`.
 * @param where for error messages
 * @throws {TsdError} invalid_argument
 */
export function credentialIn(given: unknown, where: string): Credential | undefined {
  const config = authConfig(given, where);
  if (config.registrytoken) return { kind: "registry_token", token: config.registrytoken };
  if (config.identitytoken) return { kind: "identity_token", token: config.identitytoken };
  if (config.username) return { kind: "password", username: config.username, password: config.password ?? "" };
  return config.auth ? pairOf(config.auth, where) : undefined;
}

function decoded(text: string): unknown {
  try {
    const alphabet = /[-_]/.test(text) ? "base64url" : "base64";
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(text, { alphabet })));
  } catch (thrown) {
    // The parsers' messages quote their input.
    if (thrown instanceof SyntaxError || thrown instanceof TypeError) {
      throw invalid("X-Registry-Auth header", "it is not base64 of JSON");
    }
    throw thrown;
  }
}

const SHAPE: Shape<AuthConfig> = {
  username: "text",
  password: "text",
  auth: "text",
  email: { ignored: "text", because: "registries no longer ask for it" },
  serveraddress: "text",
  identitytoken: "text",
  registrytoken: "text",
};

/**
 * Validates an `AuthConfig`.
 * @throws {TsdError} invalid_argument
 */
export function authConfig(given: unknown, where: string): AuthConfig {
  const wrongType = (path: string, must: string) =>
    invalid(where, path === "" ? "it is no object" : `${path} must be ${must}`);
  return decode(given ?? {}, SHAPE, wrongType);
}

/** Decodes base64 of `user:password`. */
function pairOf(auth: string, where: string): Credential {
  let text: string;
  try {
    text = new TextDecoder().decode(Uint8Array.fromBase64(auth));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw invalid(where, "auth is not base64");
    throw thrown;
  }
  const colon = text.indexOf(":");
  if (colon < 0) throw invalid(where, "auth is not base64 of user:password");
  return { kind: "password", username: text.slice(0, colon), password: text.slice(colon + 1) };
}

const invalid = (where: string, why: string): TsdError => new TsdError("invalid_argument", `invalid ${where}: ${why}`);
