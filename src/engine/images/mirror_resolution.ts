/**
 * @module
 * What plugins have a say in before a registry is asked: whether an image may be pulled, from where, and as whom.
 */
import { prefixed, TsdError } from "../../errors.ts";
import { canonicalString, parseReference, type Reference, withDefaultTag } from "../../image/reference.ts";
import type { Asker, Credential } from "../../image/registry/mod.ts";
import type { HookAnswers, HookBus, HookContexts } from "../../plugins/mod.ts";

/** On whose behalf an image is pulled, and until when. */
export type PullOptions = Asker & { readonly signal: AbortSignal };

/** The same, and where the content comes from. */
export type ResolvedPullOptions = PullOptions & { readonly source: Reference };

type Answer<N extends "registry.resolve" | "registry.credentials"> = { plugin: string; answer: HookAnswers[N] };

/** @throws {TsdError} permission_denied (refused), invalid_reference, invalid_argument (what a plugin answered) */
export async function resolveMirror(
  hooks: Pick<HookBus, "callSequential" | "callFirst">,
  reference: Reference,
  asker: PullOptions,
): Promise<ResolvedPullOptions> {
  const context = () => contextOf(reference);
  await hooks.callSequential("image.beforePull", context);
  const other = await hooks.callFirst("registry.resolve", context);
  const source = other === undefined ? reference : otherLocation(reference, other);
  // What the caller has brought is for the registry that it named.
  if (asker.credential !== undefined && source.domain === reference.domain) return { ...asker, source };
  const found = await hooks.callFirst("registry.credentials", () => contextOf(source));
  return { signal: asker.signal, credential: found && credentialOf(found), source };
}

/** A digest that was asked for is a promise about the content: no plugin changes it. */
function otherLocation(requested: Reference, { plugin, answer }: Answer<"registry.resolve">): Reference {
  let other: Reference;
  try {
    other = parseReference(answer.reference);
  } catch (thrown) {
    throw prefixed(`Plugin ${plugin} named another place for ${canonicalString(requested)}`, thrown);
  }
  const { digest = other.digest } = requested;
  // Without a tag it means the same one there.
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
