import type { AuthConfig, ProgressMessage } from "../api/wire/mod.ts";
import { printable } from "../cli/mod.ts";
import type { EngineTransport } from "../client/transport.ts";
import { pullImage } from "../client/images.ts";
import { canonicalName, familiarString, parseReference, type Reference, withDefaultTag } from "../image/reference.ts";

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
  /** Takes finished lines; nothing is shown when it is absent. */
  readonly show?: (text: string) => Promise<void>;
}

/** Pulls an image and shows how it goes, a line for each step. */
export async function pullShowing(
  engine: EngineTransport,
  reference: Reference,
  { platform, auth, allTags = false, show = () => Promise.resolve() }: PullOptions,
): Promise<void> {
  const tag = allTags ? undefined : reference.digest ?? reference.tag ?? "latest";
  for await (const message of pullImage(engine, { name: canonicalName(reference), tag, platform, auth })) {
    const line = progressLine(message);
    if (line !== undefined) await show(printable(line));
  }
}

/** A step as a line; undefined for mere progress, which would only fill logs. */
export function progressLine({ id, status, progressDetail, stream }: ProgressMessage): string | undefined {
  if ((progressDetail?.current ?? 0) > 0 || (progressDetail?.total ?? 0) > 0) return undefined;
  if (stream !== undefined) return stream;
  return status === undefined ? undefined : `${id === undefined || id === "" ? "" : `${id}: `}${status}\n`;
}
