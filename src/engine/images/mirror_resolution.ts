/**
 * @module
 * Hooks that run before the first request to a registry: plugins decide whether an image may be pulled, from which
 * location, and with which credentials.
 */
import { prefixed, TsdError } from "../../errors.ts";
import { canonicalString, parseReference, type Reference, withDefaultTag } from "../../image/reference.ts";
import type { Asker, Credential } from "../../image/registry/mod.ts";
import type { HookAnswers, HookBus, HookContexts } from "../../plugins/mod.ts";

/** The credentials and the cancellation of a pull. */
export type PullOptions = Asker & { readonly signal: AbortSignal };

/** Pull options with the location from which the content is fetched. */
export type ResolvedPullOptions = PullOptions & { readonly source: Reference };

type Answer<N extends "registry.resolve" | "registry.credentials"> = { plugin: string; answer: HookAnswers[N] };

/**
 * Resolves the location and the credentials of a pull.
 * @throws {TsdError} permission_denied (a plugin refused the pull); invalid_reference, invalid_argument (invalid answer of
 * a plugin)
 */
export async function resolveMirror(
  hooks: Pick<HookBus, "callSequential" | "callFirst">,
  reference: Reference,
  options: PullOptions,
): Promise<ResolvedPullOptions> {
  const context = () => contextOf(reference);
  await hooks.callSequential("image.beforePull", context);
  const other = await hooks.callFirst("registry.resolve", context);
  const source = other === undefined ? reference : otherLocation(reference, other);
  // The caller's credentials are only for the registry that the reference names.
  if (options.credential !== undefined && source.domain === reference.domain) return { ...options, source };
  const found = await hooks.callFirst("registry.credentials", () => contextOf(source));
  return { signal: options.signal, credential: found && credentialOf(found), source };
}

/** Parses a plugin's answer. A requested digest fixes the content: no plugin can change it. */
function otherLocation(requested: Reference, { plugin, answer }: Answer<"registry.resolve">): Reference {
  let other: Reference;
  try {
    other = parseReference(answer.reference);
  } catch (thrown) {
    throw prefixed(`Plugin ${plugin} named another place for ${canonicalString(requested)}`, thrown);
  }
  const { digest = other.digest } = requested;
  // An answer without a tag keeps the requested one.
  const tag = other.tag ?? (other.digest === undefined ? requested.tag : undefined);
  return { domain: other.domain, path: other.path, ...tag !== undefined && { tag }, ...digest && { digest } };
}

function credentialOf({ plugin, answer }: Answer<"registry.credentials">): Credential {
  const { username, password, identityToken } = answer;
  if (identityToken !== undefined) return { kind: "identity_token", token: identityToken };
  if (username !== undefined && password !== undefined) return { kind: "password", username, password };
  const what = "credentials without username and password, and without identityToken";
  throw new TsdError("invalid_argument", `Plugin ${plugin} answered ${what}`);
}

function contextOf(reference: Reference): HookContexts["image.beforePull"] {
  const { domain: registry, path: repository } = reference;
  return { reference: canonicalString(withDefaultTag(reference)), registry, repository };
}
