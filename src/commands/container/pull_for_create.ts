import type { CommandContext } from "../context.ts";
import type { CreateFlagValues } from "./create_flags.ts";
import { progressView } from "../image/progress_view.ts";
import { displayName, pullShowing, pullTarget } from "../image/pull_output.ts";
import { authFor } from "../config/registry_auth.ts";

/**
 * Pulls the image for a container to be created.
 * @param why for a `missing` image a message is printed first, as docker does
 */
export async function pullForCreate(
  { engine, terminal }: CommandContext,
  image: string,
  why: "wanted" | "missing",
  { quiet, platform }: Pick<CreateFlagValues, "quiet" | "platform">,
): Promise<void> {
  // A pull can take minutes and can run credential helpers.
  terminal.host?.needProcess();
  const { reference } = pullTarget(image);
  if (why === "missing" && !quiet) {
    await terminal.err(`Unable to find image '${displayName(reference)}' locally\n`);
  }
  const show = quiet ? {} : { show: await progressView(terminal, "stderr") };
  const auth = await authFor(terminal, reference);
  await pullShowing(engine, reference, { platform, auth, ...show });
}
