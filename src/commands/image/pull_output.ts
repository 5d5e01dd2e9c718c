import type { AuthConfig } from "../../api_types/mod.ts";
import type { Client } from "../../client/client.ts";
import { retryIdempotent } from "../../client/reconnect.ts";
import {
  canonicalName,
  familiarString,
  parseReference,
  type Reference,
  withDefaultTag,
} from "../../image/reference.ts";
import type { ProgressView } from "./progress_view.ts";

/**
 * Parses the reference to pull. `addedTag` tells whether the default tag was added. @throws {TsdError} invalid_reference
 */
export function pullTarget(text: string): { reference: Reference; addedTag: boolean } {
  const parsed = parseReference(text);
  const reference = withDefaultTag(parsed);
  return { reference, addedTag: reference !== parsed };
}

/** Returns the familiar form of a reference, as in `Unable to find image '…' locally`. */
export const displayName = (reference: Reference): string => familiarString(reference);

export interface PullOptions {
  readonly platform?: string | undefined;
  readonly auth?: AuthConfig | undefined;
  /** Pull all tags of the repository, regardless of the reference's. */
  readonly allTags?: boolean;
  /** Shows progress. Default: nothing is shown. */
  readonly show?: ProgressView;
}

/** Pulls an image and shows the progress. */
export async function pullShowing(
  engine: Client,
  reference: Reference,
  { platform, auth, allTags = false, show = () => Promise.resolve() }: PullOptions,
): Promise<void> {
  const name = canonicalName(reference);
  const { digest, tag = "latest" } = reference;
  const target = allTags ? name : digest === undefined ? `${name}:${tag}` : `${name}@${digest}`;
  // Repeating is cheap: a new pull resumes from what the interrupted one has downloaded.
  await retryIdempotent(() => engine.images.pull(target, { platform, auth, allTags, onProgress: show }));
}
