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

/** What a user who typed `text` wants to pull. @throws {TsdError} invalid_reference */
export function pullTarget(text: string): { reference: Reference; addedTag: boolean } {
  const parsed = parseReference(text);
  const reference = withDefaultTag(parsed);
  return { reference, addedTag: reference !== parsed };
}

/** The short form with its tag, as `Unable to find image '…' locally` has it. */
export const displayName = (reference: Reference): string => familiarString(reference);

export interface PullOptions {
  readonly platform?: string | undefined;
  readonly auth?: AuthConfig | undefined;
  /** All of the repository's, whatever the reference says. */
  readonly allTags?: boolean;
  /** Nothing is shown when it is absent. */
  readonly show?: ProgressView;
}

/** Pulls an image and shows how it goes. */
export async function pullShowing(
  engine: EngineTransport,
  reference: Reference,
  { platform, auth, allTags = false, show = () => Promise.resolve() }: PullOptions,
): Promise<void> {
  const tag = allTags ? undefined : reference.digest ?? reference.tag ?? "latest";
  // What a pull has loaded stays: the next one goes on there.
  await retryIdempotent(async () => {
    for await (const message of pullImage(engine, { name: canonicalName(reference), tag, platform, auth })) {
      await show(message);
    }
  });
}
