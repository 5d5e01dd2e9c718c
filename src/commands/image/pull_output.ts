import type { AuthConfig } from "../../api_types/mod.ts";
import type { EngineTransport } from "../../client/transport.ts";
import { retryIdempotent } from "../../client/reconnect.ts";
import { pullImage } from "../../client/images.ts";
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
  engine: EngineTransport,
  reference: Reference,
  { platform, auth, allTags = false, show = () => Promise.resolve() }: PullOptions,
): Promise<void> {
  const tag = allTags ? undefined : reference.digest ?? reference.tag ?? "latest";
  // Repeating is cheap: a new pull resumes from what the interrupted one has downloaded.
  await retryIdempotent(async () => {
    for await (const message of pullImage(engine, { name: canonicalName(reference), tag, platform, auth })) {
      await show(message);
    }
  });
}
