import type { Client } from "../client/client.ts";
import { toTsdError, TsdError } from "../errors.ts";

/** Where to look for the other kind of object, and the command that removes it. */
const OTHERS = {
  container: { objects: "containers", wording: "there is a container of that name", verb: "rm" },
  image: { objects: "images", wording: "there is an image of that name", verb: "rmi" },
} as const;

/**
 * Runs a removal. If no object has the name but one of the other kind does, the error names the command to remove that.
 * @param other the kind of object that the name may refer to instead
 */
export async function removingNot(
  other: keyof typeof OTHERS,
  engine: Client,
  name: string,
  removal: () => Promise<void>,
): Promise<void> {
  try {
    await removal();
  } catch (thrown) {
    const error = toTsdError(thrown);
    const { objects, wording, verb } = OTHERS[other];
    if (error.meaning.http !== 404 || !await exists(() => engine[objects].get(name).inspect())) throw error;
    throw new TsdError(error.code, `${error.message} (${wording}: 'tsd ${verb} ${name}' removes it)`, { cause: error });
  }
}

async function exists(lookUp: () => Promise<unknown>): Promise<boolean> {
  try {
    await lookUp();
    return true;
  } catch (thrown) {
    const { meaning } = toTsdError(thrown);
    // 400: the name isn't valid for the other kind.
    if (meaning.http === 404 || meaning.http === 400) return false;
    throw thrown;
  }
}
