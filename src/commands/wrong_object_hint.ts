import { inspectContainer } from "../client/containers.ts";
import { inspectImage } from "../client/images.ts";
import type { EngineTransport } from "../client/transport.ts";
import { toTsdError, TsdError } from "../errors.ts";

/** Where a name may be found that isn't what it was taken for, and what removes the thing. */
const OTHERS = {
  container: { lookUp: inspectContainer, wording: "there is a container of that name", verb: "rm" },
  image: { lookUp: inspectImage, wording: "there is an image of that name", verb: "rmi" },
} as const;

/** Runs a removal; when nothing has the name but a thing of the other kind, the error says so and what removes that. */
export async function removingNot(
  other: keyof typeof OTHERS,
  engine: EngineTransport,
  name: string,
  removal: () => Promise<void>,
): Promise<void> {
  try {
    await removal();
  } catch (thrown) {
    const error = toTsdError(thrown);
    const { lookUp, wording, verb } = OTHERS[other];
    if (error.meaning.http !== 404 || !await exists(() => lookUp(engine, name))) throw error;
    throw new TsdError(error.code, `${error.message} (${wording}: 'tsd ${verb} ${name}' removes it)`, { cause: error });
  }
}

async function exists(lookUp: () => Promise<unknown>): Promise<boolean> {
  try {
    await lookUp();
    return true;
  } catch (thrown) {
    const { meaning } = toTsdError(thrown);
    // What can't be a name of the other kind isn't one.
    if (meaning.http === 404 || meaning.http === 400) return false;
    throw thrown;
  }
}
