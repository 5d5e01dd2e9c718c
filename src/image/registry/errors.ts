/**
 * @module
 * Maps responses of registries to errors, with Docker's texts where clients show them. Text from a registry is
 * truncated and stripped of control characters before it is included in a message.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import { familiarName, familiarString, type Reference } from "../reference.ts";

/** An error in a registry's response (OCI distribution-spec v1.1, "Error Codes"). */
export interface RegistryFault {
  /** In upper case, as in the specification. */
  readonly code: string;
  readonly message: string;
}

/** The request of an unsuccessful response. */
export interface Attempt {
  readonly ref: Reference;
  readonly host: string;
  /** The blob, such as `layer sha256:…`; absent for manifests. */
  readonly blob?: string;
}

const MAX_SHOWN_CHARS = 300;

/** Returns untrusted text on one line, with at most 300 characters. */
export function plainText(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is to be removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim().slice(0, MAX_SHOWN_CHARS);
}

/** Returns the first error in a response's body, if there is one. */
export function faultOf(body: Uint8Array): RegistryFault | undefined {
  let parsed: { errors?: { code?: unknown; message?: unknown }[] } | null;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // Proxies answer in HTML.
    throw error;
  }
  const first = Array.isArray(parsed?.errors) ? parsed.errors[0] : undefined;
  if (typeof first?.code !== "string") return undefined;
  return { code: plainText(first.code).toUpperCase(), message: plainText(String(first.message ?? "")) };
}

/** Returns the error for a response that was neither a success nor a redirect. */
export function statusError(attempt: Attempt, status: number, fault: RegistryFault | undefined): TsdError {
  const { ref, host, blob } = attempt;
  const suffix = fault === undefined ? "" : `: ${faultText(fault)}`;
  const denied = status === 401 || status === 403 || fault?.code === "DENIED" || fault?.code === "UNAUTHORIZED";
  if (denied) return accessDenied(ref, suffix);
  if (blob === undefined && fault?.code === "NAME_UNKNOWN") {
    return new TsdError("registry_denied", `repository ${familiarName(ref)} not found${suffix}`);
  }
  if (status === 404 && blob === undefined) {
    const cause = fault === undefined ? "manifest unknown: manifest unknown" : faultText(fault);
    return new TsdError("manifest_unknown", `manifest for ${familiarString(ref)} not found: ${cause}`);
  }
  if (status === 404) {
    return new TsdError("registry_protocol", `Cannot download ${blob}: registry ${host} does not have it${suffix}`);
  }
  if (status === 429) {
    return new TsdError("registry_unreachable", `Registry ${host} takes no more requests for now (429)${suffix}`);
  }
  const requested = blob ?? `the manifest of ${familiarString(ref)}`;
  const code = status >= 500 ? "registry_unreachable" : "registry_protocol";
  return new TsdError(code, `Cannot get ${requested}: registry ${host} answered ${status}${suffix}`);
}

/** Docker's text for a repository that is not accessible or doesn't exist. `suffix` starts with a colon or is empty. */
export function accessDenied(ref: Reference, suffix: string): TsdError {
  return new TsdError(
    "registry_denied",
    `pull access denied for ${familiarName(ref)}, repository does not exist or may require 'docker login'${suffix}`,
  );
}

/** The code in words and the message, as Docker prints them: `manifest unknown: manifest unknown`. */
function faultText({ code, message }: RegistryFault): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return message === "" ? words : `${words}: ${message}`;
}

/**
 * Maps a request that failed without a response to an error. `detail.connected` tells whether a connection was made, so
 * that a retry can help. `detail.untrusted` tells whether the server's certificate was rejected.
 */
export function networkError(host: string, thrown: unknown): TsdError {
  if (thrown instanceof TsdError) return thrown;
  if (thrown instanceof DOMException) return toTsdError(thrown);
  const text = deepestMessage(thrown);
  const system = systemCode(thrown);
  const connected = !text.includes("client error (Connect)") && !(system in UNREACHABLE);
  return new TsdError(
    "registry_unreachable",
    `Cannot reach registry ${host}: ${UNREACHABLE[system] ?? reasonOf(text)}`,
    {
      cause: thrown,
      detail: { connected, untrusted: UNTRUSTED.has(system) || text.includes("peer certificate") },
    },
  );
}

/** Texts for the node:http error codes of failed connections; `fetch` only has messages. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "name or service not known",
  EAI_AGAIN: "temporary failure in name resolution",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "connection timed out",
};

/** The node:https error codes of rejected certificates. */
const UNTRUSTED = new Set([
  ...["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT"],
  ...["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_HAS_EXPIRED"],
  ...["CERT_NOT_YET_VALID", "CERT_UNTRUSTED", "CERT_REVOKED", "ERR_TLS_CERT_ALTNAME_INVALID"],
]);

function systemCode(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
}

function deepestMessage(thrown: unknown): string {
  let at = thrown;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at instanceof Error ? at.message : String(at);
}

/** Extracts the reason from the HTTP client's chain of messages, without addresses, wrappers and errno numbers. */
function reasonOf(text: string): string {
  if (text.includes("InvalidContentType")) {
    return "server gave HTTP response to HTTPS client (a registry without TLS must be named as insecure)";
  }
  const inner = text.replace(/^.*?client error \(\w+\): /s, "").replace(/ \(os error \d+\)/g, "");
  const reason = plainText(
    inner.replace(/^(tcp connect error|dns error): (failed to lookup address information: )?/, ""),
  );
  return reason.charAt(0).toLowerCase() + reason.slice(1);
}
