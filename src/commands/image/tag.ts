import { defineCommand, StatusError } from "../../cli/mod.ts";
import { isTsdError } from "../../errors.ts";
import { canonicalName, parseReference, type Reference, withDefaultTag } from "../../image/reference.ts";
import type { CommandContext } from "../context.ts";

/** `tsd tag`. */
export const tag = defineCommand({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  args: { min: 2, max: 2 },
  flags: {},
  examples: [
    { line: "tag alpine:3.20 alpine:stable", note: "A second name for an image" },
    { line: "tag 3fa822d5a1b2 localhost:5000/team/app:1.2", note: "A name for an image that has none" },
  ],
  async run({ engine }: CommandContext, { args: [source, target] }) {
    const reference = withDefaultTag(targetName(target));
    await engine.images.get(source).tag(canonicalName(reference), reference.tag);
    return 0;
  },
});

/**
 * Parses the new name. It is validated by the client, because the API receives only a repository and a tag.
 * @throws {StatusError} with Docker's messages
 */
function targetName(text: string): Reference {
  const reference = parsed(text);
  if (reference.digest === undefined) return reference;
  throw new StatusError("refusing to create a tag with a digest reference");
}

function parsed(text: string): Reference {
  try {
    return parseReference(text);
  } catch (thrown) {
    if (!isTsdError(thrown, "invalid_reference")) throw thrown;
    throw new StatusError(
      `Error parsing reference: ${JSON.stringify(text)} is not a valid repository/tag: ${thrown.message}`,
    );
  }
}
